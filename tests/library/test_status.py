"""status, check-lock: what git knows of the model, also in a clone that has none of DVC's files."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cd4ml.cli import main
from trained_repository import clone, commit, dvc, run, train, write_verdict

Status = Callable[[], dict[str, str]]


@pytest.fixture
def fresh(repository: Path, origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shallow clone without any of DVC's files, which is the working directory."""
    folder = clone(origin, tmp_path / "fresh", "--depth=1")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def status(step: Callable[..., dict[str, str]]) -> Status:
    """Run `cd4ml status`; return its outputs."""
    return lambda: step("status")


def test_a_fresh_clone_without_any_of_dvcs_files_is_current(fresh: Path, status: Status) -> None:
    outputs = status()

    assert outputs["model"] == "current"
    assert outputs["bundle"] == "2024-01-31.aaaaaaa"
    assert outputs["digest"].endswith(".dir")
    assert (outputs["changed"], outputs["passed"], outputs["quarantined"]) == ("no", "yes", "no")
    assert (outputs["remote"], outputs["reachable"]) == ("no", "no")


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        ("model.py", "two\n", "package  model.py: modified"),
        ("params.yaml", "model: {depth: 2}\n", "package  params.yaml: model"),
        ("rows.csv", "3\n", "ingest  rows.csv: modified"),
        ("reports/model-card.md", "mine\n", "evaluate  reports/model-card.md: modified"),
        ("dvc.yaml", "stages: {ingest: {cmd: cp rows.csv data/raw.parquet}}\n", "ingest"),
    ],
)
def test_a_change_in_git_makes_the_model_stale_and_the_reason_is_printed(
    file: str, text: str, reason: str, fresh: Path, status: Status, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(file).write_text(text, encoding="utf-8")

    assert status()["model"] == "stale"
    assert reason in capsys.readouterr().out


def test_a_changed_limit_of_the_gate_does_not_make_the_model_stale(fresh: Path, status: Status) -> None:
    Path("params.yaml").write_text("model: {depth: 1}\ngate: {floor: 1}\n", encoding="utf-8")

    assert status()["model"] == "current"


def test_a_model_that_was_not_trained_on_the_rows_of_dvc_lock_is_stale(repository: Path, status: Status) -> None:
    """As after make refresh: dvc.lock names the new rows, and a model that was trained on the old ones."""
    Path("rows.csv").write_text("3\n", encoding="utf-8")
    dvc("repro", "ingest")

    assert status()["model"] == "stale"


def test_without_dvc_lock_there_is_no_model(fresh: Path, status: Status) -> None:
    Path("dvc.lock").unlink()

    assert status() | {"reachable": ""} == {
        "model": "none", "bundle": "", "digest": "", "changed": "no",
        "remote": "no", "reachable": "", "passed": "no", "quarantined": "no",
    }  # fmt: skip


def test_a_verdict_on_another_bundle_does_not_count(repository: Path, status: Status) -> None:
    write_verdict({"bundle": "2024-01-31.aaaaaaa", "digest": "d", "passed": True, "dvc_lock": "another.dir"})
    assert status()["passed"] == "no"

    Path("reports/gate.json").write_text("[", encoding="utf-8")
    assert status()["passed"] == "no"

    train("2024-01-31.aaaaaaa", passed=False)
    assert status()["passed"] == "no"


def test_changed_is_relative_to_production_once_there_is_one(repository: Path, status: Status) -> None:
    run("git", "push", "--quiet", "origin", "main:production")
    Path("model.py").write_text("two\n", encoding="utf-8")
    train("2024-02-29.bbbbbbb")
    commit("second")
    run("git", "push", "--quiet", "origin", "main")

    outputs = status()

    assert (outputs["changed"], outputs["bundle"]) == ("yes", "2024-02-29.bbbbbbb")


def test_a_bundle_that_was_rolled_back_is_quarantined(
    repository: Path, status: Status, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run("git", "push", "--quiet", "origin", "main:quarantine/aaaaaaa")

    assert status()["quarantined"] == "yes"
    assert "git push origin --delete quarantine/aaaaaaa lifts it" in capsys.readouterr().out
    monkeypatch.setenv("FORCE", "1")
    assert status()["quarantined"] == "no"


def test_an_origin_that_does_not_answer_is_an_error(
    repository: Path, origin: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(origin)

    assert main(["status"]) == 1
    assert "cannot read whether origin has the branch production" in capsys.readouterr().err


def test_check_lock_names_the_files_that_the_remote_lacks(
    repository: Path, origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dvc("remote", "add", "--default", "storage", str(tmp_path / "storage"))
    commit("remote")
    run("git", "push", "--quiet", "origin", "main")
    assert main(["check-lock"]) == 1
    printed = capsys.readouterr().err
    assert "the DVC remote storage lacks data/raw.parquet, models/bundle" in printed
    assert "make push; or put the label `train` on the pull request, and ct does it" in printed

    assert main(["push"]) == 0
    (file,) = (path for path in (tmp_path / "storage").rglob("*") if path.is_file() and b"depth" in path.read_bytes())
    file.unlink()  # a file inside the folder models/bundle, which `dvc status --cloud` does not check
    monkeypatch.chdir(clone(origin, tmp_path / "fresh"))
    assert main(["check-lock"]) == 1
    assert "the DVC remote storage lacks models/bundle\n" in capsys.readouterr().err

    monkeypatch.chdir(repository)
    assert main(["push"]) == 0
    monkeypatch.chdir(tmp_path / "fresh")
    assert main(["check-lock"]) == 0
    assert "the DVC remote storage holds every file that it names" in capsys.readouterr().out
    assert main(["pull"]) == 0
    assert Path("models/bundle/bundle.json").exists()


def test_check_lock_rejects_a_stale_lock_with_the_command_that_fixes_it(
    fresh: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("model.py").write_text("two\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))

    assert main(["check-lock"]) == 1

    printed = capsys.readouterr().err
    assert "check-lock: dvc.lock is stale" in printed
    assert "to fix it: make train" in printed
    assert "label `train`" in (tmp_path / "summary").read_text(encoding="utf-8")


def test_the_remote_is_not_checked_if_the_run_is_not_signed_in(
    fresh: Path, status: Status, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dvc("remote", "add", "--default", "storage", "gs://houses-dvc")
    monkeypatch.setenv("SIGNED_IN", "false")

    assert (status()["remote"], status()["reachable"]) == ("yes", "no")
    assert main(["check-lock"]) == 0
    assert "not signed in" in capsys.readouterr().out


def test_push_and_pull_without_a_remote_name_the_command_that_adds_one(
    fresh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["push"]) == main(["pull"]) == 1
    assert capsys.readouterr().err.count("dvc remote add --default storage") == 2
