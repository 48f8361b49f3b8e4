"""`cd4ml monitor-live`, as the workflow monitor calls it: the live model is judged, or it says why nothing is."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.cli import main
from cd4ml.delivery.production_log import append_entry
from committed_project import DVC_YAML, commit, dvc, rename_bundle, run
from house_project import Project
from served_log import LAST, new_houses, write_log

IGNORED = "/build\n/data\n/models\n/houses.csv\n/log\n"


@pytest.fixture(scope="module")
def watched(projects_with_reports: dict[str, Project], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose `production` has one bundle, with a log of five weeks, and `main` a later one; and its origin.

    Do not change it: make a copy.
    """
    folder = tmp_path_factory.mktemp("watched")
    project = projects_with_reports["binary"].copy_to(folder / "houses")
    project.table = pd.concat([project.table.assign(sold_on=pd.to_datetime(project.table["sold_on"])), new_houses()])
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.folder)
        write_log(Path("log"), Bundle.load(project.bundle), new_houses())
        run("git", "init", "--quiet", "--initial-branch", "main")
        dvc("init")
        Path("dvc.yaml").write_text(DVC_YAML, encoding="utf-8")
        Path(".gitignore").write_text(IGNORED, encoding="utf-8")
        remote = "[core]\n    remote = kept\n['remote \"kept\"']\n    url = /nowhere\n"
        Path(".dvc/config").write_text(remote, encoding="utf-8")
        commit("live")
        run("git", "init", "--quiet", "--bare", str(folder / "origin.git"))
        run("git", "remote", "add", "origin", "../origin.git")
        version = Bundle.load(project.bundle).version
        append_entry("origin", None, f"release {version}", {"commit": run("git", "rev-parse", "HEAD").strip()}, "first")
        rename_bundle("later")
        Path("reports/metrics.json").write_text("{}", encoding="utf-8")
        commit("later")
        run("git", "push", "--quiet", "origin", "main")
    return folder


@pytest.fixture
def project(watched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that repository, which is the working directory."""
    copy = Path(shutil.copytree(watched, tmp_path / "watched", symlinks=True))
    monkeypatch.chdir(copy / "houses")
    monkeypatch.setenv("PREDICTION_LOG", "log")
    return copy / "houses"


@pytest.fixture
def monitor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, str]]:
    """Run the verb as a step does; return its outputs, and what it wrote into the summary as `summary`."""

    def call(*, until: str = LAST, fails: bool = False, **settings: str) -> dict[str, str]:
        files = {name: tmp_path / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for name, file in files.items():
            file.write_text("", encoding="utf-8")
            monkeypatch.setenv(name, str(file))
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        assert main(["monitor-live", "--until", until]) == fails
        lines = files["GITHUB_OUTPUT"].read_text(encoding="utf-8").splitlines()
        summary = files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")
        return dict(line.split("=", 1) for line in lines) | {"summary": summary}

    return call


def document() -> dict[str, Any]:
    return dict(json.loads(Path("build/monitoring/monitoring.json").read_bytes()))


def contradict() -> None:
    """Let the outcomes of the newest week contradict the model."""
    table = pd.read_csv("houses.csv")
    newest = pd.to_datetime(table["sold_on"]) >= pd.Timestamp("2024-07-29")
    table.assign(sold_fast=table["sold_fast"] ^ newest).to_csv("houses.csv", index=False)


def test_the_model_of_production_is_judged_by_its_own_reports(project: Path, monitor) -> None:
    outputs = monitor()

    judged, live = document(), Bundle.load(Path("build/live"))
    assert (live.manifest.name, Bundle.load(Path("models/bundle")).manifest.name) == ("houses", "later")
    assert judged["model"]["version"] == live.version
    assert judged["metric"]["on_test_set"] > 0.5  # the report of main is empty
    (release,) = judged["model"]["releases"]
    assert release["version"] == live.version
    assert (outputs["retrain"], outputs["reason"]) == ("no", "")
    assert outputs["level"] == judged["level"] != "page"
    assert f"### houses, 2024-07-29 to {LAST}" in outputs["summary"]
    assert "| predictions | 420 |" in outputs["summary"]
    assert "The model is the one on production." in outputs["summary"]


def test_a_loss_on_labels_is_a_reason_to_retrain_and_no_row_leaves_the_run(project: Path, monitor, capsys) -> None:
    contradict()

    outputs = monitor()

    assert (outputs["level"], outputs["retrain"]) == ("page", "yes")
    assert outputs["reason"].startswith("monitoring: loss; roc_auc is ")
    written = outputs["summary"] + capsys.readouterr().out + outputs["reason"]
    written += "".join(path.read_text(encoding="utf-8") for path in Path("build/monitoring").iterdir())
    assert not [identity for identity in new_houses()["house_id"] if identity in written]


def test_what_an_earlier_model_lost_is_no_reason_to_retrain_again(project: Path, monitor) -> None:
    contradict()
    for file in Path("log").rglob("*.parquet"):
        file.unlink()
    write_log(Path("log"), Bundle.load(Path("models/bundle")), new_houses())  # another version than the one released

    outputs = monitor()

    assert (outputs["level"], outputs["retrain"], outputs["reason"]) == ("page", "no", "")


def test_a_column_that_is_nulled_is_a_page_and_no_reason_to_retrain(project: Path, monitor) -> None:
    def nulls(columns: Any) -> None:
        columns["heated"][:] = float("nan")

    for file in Path("log").rglob("*.parquet"):
        file.unlink()
    run("git", "checkout", "--quiet", "HEAD~1", "--", "dvc.lock")
    write_log(Path("log"), Bundle.load(Path("models/bundle")), new_houses(), nulls)

    outputs = monitor()

    assert (outputs["level"], outputs["retrain"]) == ("page", "no")
    assert "| act now | nulls | heated is null in 100 % of the rows" in outputs["summary"]


def test_too_few_rows_are_said_to_be_too_few(project: Path, monitor) -> None:
    Path("params.yaml").write_text(
        Path("params.yaml").read_text(encoding="utf-8") + "monitor: {minimum_rows: 5000}\n", encoding="utf-8"
    )

    outputs = monitor()

    assert (outputs["level"], outputs["retrain"]) == ("not judged", "no")
    assert "as far as could be judged; how good the answers were is not known." in outputs["summary"]
    assert "fewer than monitor.minimum\\_rows (5,000): too few to judge." in outputs["summary"]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"PREDICTION_LOG": ""}, "PREDICTION_LOG is not set; set the repository's variable PREDICTION_LOG"),
        ({"PREDICTION_LOG": " stdout "}, "PREDICTION_LOG is stdout, which the platform keeps"),
        ({"PREDICTION_LOG": "gs://b/production", "SIGNED_IN": "false"}, "this run is not signed in to Google Cloud"),
    ],
)
def test_what_is_not_set_up_is_said_and_is_no_error(project: Path, monitor, settings, says: str) -> None:
    Path("build/monitoring").mkdir(parents=True)
    Path("build/monitoring/monitoring.json").write_text("of an earlier run", encoding="utf-8")

    outputs = monitor(**settings)

    assert says in outputs.pop("summary")
    assert outputs == {"level": "", "reason": "", "retrain": "no"}
    assert not Path("build/monitoring/monitoring.json").exists()


def test_a_log_that_is_missing_is_an_error_only_once_a_model_is_released(project: Path, monitor, capsys) -> None:
    monitor(PREDICTION_LOG="nowhere", fails=True)
    assert (
        capsys.readouterr().err
        == "monitor-live: there is no prediction log in nowhere; check --log or PREDICTION_LOG\n"
    )

    run("git", "push", "--quiet", "--delete", "origin", "production")
    assert "no model was released yet, and there is no prediction log in nowhere" in monitor()["summary"]
    assert "The model is the one on main." in monitor(PREDICTION_LOG="log")["summary"]
    assert document()["model"]["releases"] == []

    run("git", "rm", "--quiet", "--cached", "dvc.lock")
    run("git", "commit", "--quiet", "-m", "no model")
    run("git", "push", "--quiet", "origin", "main")
    assert "nothing was judged: there is no model yet" in monitor()["summary"]


def test_a_day_that_is_none_is_an_error_of_one_line(project: Path, monitor, capsys) -> None:
    monitor(until="soon", fails=True)

    assert capsys.readouterr().err == 'monitor-live: --until is "soon"; expected a date such as 2024-01-31\n'
