"""`cd4ml gate --unless-live`, as ci and cd call it: before a release, a bundle is judged, whatever git has recorded.

A bundle that is live already keeps the verdict of its release; the limits in params.yaml are compared even then.
"""

import json
from pathlib import Path

import pytest
from cd4ml.cli import main
from cd4ml.gate.recorded import recorded_verdict
from committed_project import commit, rename_bundle
from trained_repository import run

LIMIT = "max_calibration_error: 0.3\n"


def replace(path: str, old: str, new: str) -> None:
    text = Path(path).read_text(encoding="utf-8")
    assert old in text
    Path(path).write_text(text.replace(old, new), encoding="utf-8")


def rule(name: str) -> dict[str, str]:
    (found,) = (rule for rule in recorded_verdict()["rules"] if rule["rule"] == name)
    return found


@pytest.fixture
def live(houses: Path) -> Path:
    """The repository after a release: `production` has the verdict, and git has reports/."""
    assert main(["gate"]) == 0
    Path(".gitignore").write_text("/data\n/models\n/houses.csv\n", encoding="utf-8")
    run("git", "add", "--all")
    run("git", "commit", "--quiet", "--message", "judged")
    run("git", "branch", "production")
    return houses


def test_an_edited_verdict_does_not_count(houses: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replace("params.yaml", LIMIT, f"{LIMIT}  floor: {{roc_auc: 0.999}}\n")
    assert main(["gate"]) == 1
    replace("reports/gate.json", '"passed": false', '"passed": true')

    assert main(["gate", "--unless-live"]) == 1

    assert recorded_verdict()["passed"] is False
    (line,) = capsys.readouterr().err.splitlines()[-1:]
    assert line.startswith("gate: 2024-06-30.")
    assert " is rejected by floor; improve it, or accept one rule for this bundle" in line


@pytest.mark.parametrize("released", [False, True])
def test_an_edited_name_of_the_bundle_is_rejected(
    live: Path, released: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """The quarantine and the tag of the image are looked up by it."""
    if not released:
        run("git", "branch", "--delete", "--force", "production")
    version = recorded_verdict()["bundle"]
    replace("reports/gate.json", f'"bundle": "{version}"', '"bundle": "2024-06-30.0000000"')

    assert main(["gate", "--unless-live"]) == 1

    printed = capsys.readouterr()
    assert "reports/gate.json calls it 2024-06-30.0000000; run make gate" in printed.out + printed.err
    assert version in printed.err
    assert main(["gate"]) == 0


def test_a_live_bundle_is_not_judged_again_and_keeps_the_verdict_of_its_release(
    live: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    released = Path("reports/gate.md").read_text(encoding="utf-8")
    Path("reports/gate.md").write_text("mine", encoding="utf-8")
    replace("reports/gate.json", '"accepted": []', '"accepted": [{"rule": "mine"}]')
    Path("data/holdout.parquet").unlink()  # without which nothing can be judged

    assert main(["gate", "--unless-live"]) == 0

    assert " is live, and was judged for its release; limits: passed" in capsys.readouterr().out
    assert Path("reports/gate.md").read_text(encoding="utf-8") == released
    assert recorded_verdict()["accepted"] == []
    assert rule("floor")["result"] == "not judged"


def test_a_live_bundle_is_not_released_with_looser_limits(live: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replace("params.yaml", LIMIT, "max_calibration_error: 0.5\n")

    assert main(["gate", "--unless-live"]) == 1

    assert "is rejected: limits: gate.max_calibration_error is 0.5, the champion's 0.3" in capsys.readouterr().err
    text = Path("reports/gate.md").read_text(encoding="utf-8")
    assert text.startswith("## ❌ Limits of the gate are looser than on production at ")
    assert "## ✅ Gate: `2024-06-30." in text
    assert recorded_verdict()["passed"] is False

    version = recorded_verdict()["bundle"]
    accept = f"  accept: [{{rule: limits, bundle: {version}, reason: why, by: Ada}}]\n"
    replace("params.yaml", "max_calibration_error: 0.5\n", f"max_calibration_error: 0.5\n{accept}")
    assert main(["gate", "--unless-live"]) == 0
    assert recorded_verdict()["accepted"] == [{"rule": "limits", "bundle": version, "reason": "why", "by": "Ada"}]
    assert Path("reports/gate.md").read_text(encoding="utf-8").startswith("## ⚠️ Limits of the gate")


def test_another_bundle_than_the_live_one_is_judged_by_the_live_ones_limits(
    live: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replace("params.yaml", LIMIT, "max_calibration_error: 0.5\n  max_loss: 3\n")
    rename_bundle("second")
    commit("second")
    capsys.readouterr()
    assert main(["gate", "--unless-live"]) == 1
    assert "gate.max_loss is not a known key" in capsys.readouterr().err
    replace("params.yaml", "  max_loss: 3\n", "")

    assert main(["gate", "--unless-live"]) == 1

    assert "is rejected by limits; " in capsys.readouterr().err
    assert rule("limits")["result"] == "rejected"
    assert rule("calibration")["allowed"] == "at most 0.3"


def test_a_release_without_a_verdict_is_judged(live: Path) -> None:
    run("git", "switch", "--quiet", "production")
    run("git", "rm", "--quiet", "-r", "reports")
    run("git", "commit", "--quiet", "--message", "as an older version of the library left it")
    run("git", "switch", "--quiet", "main")

    assert main(["gate", "--unless-live"]) == 0

    assert rule("comparison")["result"] == "passed"


def test_edited_metrics_are_rejected_though_dvc_lock_names_them(live: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("reports/metrics.json").write_text(json.dumps({"roc_auc": 0.999, "rows": 1}), encoding="utf-8")

    assert main(["gate"]) == 1

    assert "rejected: whole: reports/metrics.json says that roc_auc is 0.999, and the bundle has 0." in (
        capsys.readouterr().out
    )
