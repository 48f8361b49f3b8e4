"""`cd4ml replay`: months are operated by what was known then, in a scratch copy, and compared in hindsight."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from cd4ml.cli import main
from house_project import Project, houses
from trained_repository import run

from tests.waiting import wait_for

TEMPLATE = Path(__file__).parents[2] / "<<cookiecutter.project_slug>>"
APRIL = pd.Timestamp("2024-04-01")
SETTINGS = """\
split: {holdout_days: 20, minimum_rows: 30}
evaluate: {bootstrap_rounds: 100}
gate: {max_calibration_error: 0.3, max_slice_regression: 0.3, accept: []}
decision: {threshold: 0.5}
package: {runtime: auto}
metrics: {main: auto}
"""


def dvc_yaml() -> str:
    """Return the template's pipeline for the package `houses`, whose library is not in the project's folder."""
    text = (TEMPLATE / "dvc.yaml").read_text(encoding="utf-8").replace("<< cookiecutter.__package >>", "houses")
    pipeline = yaml.safe_load(text)
    for stage in pipeline["stages"].values():
        stage["deps"] = [path for path in stage["deps"] if not path.startswith("cd4ml/")]
    return yaml.safe_dump(pipeline)


def rows_until(last: str) -> pd.DataFrame:
    table = houses(rows=182 * 10)
    return table[table["sold_on"] <= pd.Timestamp(last)].sort_values("sold_on")


def make_project(folder: Path, table: pd.DataFrame, task: str = "binary") -> Project:
    """Return a project in a git repository; DVC has never run in it."""
    project = Project(folder, task)
    project.replace("params.yaml", "split:\n  holdout_days: 60\n", SETTINGS)
    project.write("dvc.yaml", dvc_yaml())
    shutil.copyfile(TEMPLATE / ".gitignore", folder / ".gitignore")
    project.table = table
    with project.inside():
        run("git", "init", "--quiet", "--initial-branch", "main")
    return project


def replay(project: Project, *, fails: bool = False) -> None:
    with project.inside():
        assert main(["replay", "--train-months", "2"]) == (1 if fails else 0)


def decided(project: Project) -> list[dict[str, Any]]:
    months: list[dict[str, Any]] = project.read_json("build/replay/decisions.json")["months"]
    return months


def digests(folder: Path) -> dict[str, str]:
    """Return the digest of each file, git's own included, but for what the replay writes."""
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in files.items()
        if not name.startswith("build/replay/") and "__pycache__" not in name
    }


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose months from March to May 2024 were replayed."""
    project = make_project(tmp_path_factory.mktemp("replayed"), rows_until("2024-05-31"))
    before = digests(project.folder)
    replay(project)
    assert digests(project.folder) == before  # nothing but build/replay was written
    return project


def nonsense(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose rows from April on are of another world; some break the contract."""
    later = pd.to_datetime(table["sold_on"]) >= APRIL
    size = table["size"].where(~later, 499.0)
    street = table["street"].where(~later, "Nowhere")
    district = table["district"].where(~(later & (np.arange(len(table)) % 50 == 0)), "west")
    return table.assign(
        size=size, street=street, district=district, sold_fast=table["sold_fast"] ^ later, rooms=table["rooms"]
    )


def test_each_month_is_served_monitored_and_followed_by_a_decision(replayed, capsys):
    march, april, may = decided(replayed)

    assert [month["month"] for month in (march, april, may)] == ["2024-03", "2024-04", "2024-05"]
    assert [month["answered"] for month in (march, april, may)] == [310, 300, 310]
    assert march["live"].startswith("2024-02-29.")
    assert april["decision"]["until"] == "2024-04-30"
    assert may["decision"] is None  # nothing is served after it
    for month, after in ((march, april), (april, may)):
        expected = month["decision"]["version"] if month["decision"]["promoted"] else month["live"]
        assert after["live"] == expected
    assert march["decision"]["promoted"]
    assert march["decision"]["reason"].startswith("roc_auc ")


def test_policies_are_compared_on_the_same_rows(replayed):
    result = replayed.read_json("build/replay/replay.json")

    march = result["months"][0]
    assert march["rows"] == 310
    assert len({json.dumps(values) for values in march["values"].values()}) == 1  # there is but one model yet
    for month in result["months"]:
        values = {policy: metrics["roc_auc"] for policy, metrics in month["values"].items()}
        assert max(values.values()) == values["best"] > 0.8
    gains = result["gains"]["frozen"]["roc_auc"]
    assert gains["low"] <= gains["gain"] <= gains["high"]
    mean = np.mean([month["values"]["live"]["roc_auc"] for month in result["months"]])
    assert result["means"]["live"]["roc_auc"] == pytest.approx(mean, abs=1e-5)
    svg = (replayed.folder / "build/replay/replay.svg").read_text(encoding="utf-8")
    assert "2024-05" in svg
    assert "promoted" in svg


def test_no_decision_depends_on_what_comes_later(replayed, tmp_path, caplog):
    project = make_project(tmp_path / "project", nonsense(rows_until("2024-05-31")))

    replay(project)

    assert "the clock says" not in caplog.text  # the service starts on the month's first day
    before, after = decided(replayed), decided(project)
    assert json.dumps(after[0]) == json.dumps(before[0])  # March, and what was decided at its end
    first = [each.read_json("build/replay/decisions.json")["first"] for each in (replayed, project)]
    assert first[0] == first[1]
    april = after[1]
    assert april["live"] == before[1]["live"]
    assert april["rejected"] == 6  # rows that break the contract
    assert ["page", "schema", "district"] in april["alarms"]
    assert not april["decision"]["promoted"]
    assert april["decision"]["reason"].startswith("the training failed: contract.yaml: 1 rule violated")
    assert after[2]["live"] == april["live"]  # what was live stays so


def test_a_number_is_predicted_month_by_month_too(tmp_path, capsys):
    project = make_project(tmp_path / "project", rows_until("2024-03-31"), "regression")

    replay(project)

    assert [month["month"] for month in decided(project)] == ["2024-03"]
    result = project.read_json("build/replay/replay.json")
    assert [metric["name"] for metric in result["metrics"]] == ["mae", "rmse"]
    printed = capsys.readouterr().out
    assert "mae of the live model, the first one, the newest one, and the best in hindsight" in printed
    assert "live better than the first model" in printed


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("contract.yaml", "id: house_id\n", "", "contract.yaml names no id, and a replay needs one to join an answer"),
        ("contract.yaml", "time: sold_on\n", "", "contract.yaml names no time, and a replay needs one to know when"),
        ("params.yaml", "houses.csv", "gone/*.csv", 'data.source "gone/*.csv" matches no file'),
    ],
)
def test_what_a_replay_needs_is_said_in_one_line(tmp_path, capsys, file, old, new, says):
    project = make_project(tmp_path / "project", rows_until("2024-03-31"))
    project.replace(file, old, new)

    replay(project, fails=True)

    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1


def test_too_few_months_are_said(tmp_path, capsys):
    project = make_project(tmp_path / "project", rows_until("2024-02-29"))

    replay(project, fails=True)

    assert "the source has rows of 2 calendar months; a replay needs 2 to train the first model" in (
        capsys.readouterr().err
    )


def test_a_first_model_that_the_gate_rejects_ends_the_replay(tmp_path, capsys):
    table = rows_until("2024-03-31")
    shuffled = table["sold_fast"].sample(frac=1, random_state=0).to_numpy()
    project = make_project(tmp_path / "project", table.assign(sold_fast=shuffled))

    replay(project, fails=True)

    error = capsys.readouterr().err
    assert "the first model, of 2024-01-01 to 2024-02-29, cannot be released: baseline: not significantly" in error


def test_a_replay_that_is_stopped_leaves_nothing_behind(tmp_path):
    """A job's time limit ends it by SIGTERM, which would leave its scratch copy, of a gigabyte in a real project."""
    project = make_project(tmp_path / "project", rows_until("2024-03-31"))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    before = digests(project.folder)
    process = subprocess.Popen(
        [sys.executable, "-m", "cd4ml", "replay", "--train-months", "2"],
        cwd=project.folder,
        env=os.environ | {"TMPDIR": str(temporary)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    log = project.folder / "build/replay/stages.log"
    wait_for(lambda: log.exists() and "train" in log.read_text(encoding="utf-8"), lambda: process.poll(), 120)

    process.terminate()

    _, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (143, "")
    assert list(temporary.iterdir()) == []
    assert digests(project.folder) == before
