"""`make tune` on a small project: stopped in every way and gone on with, published once, careful with params.yaml."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.project.baked import Project, stop

RUNS = """\
import json, mlflow
client = mlflow.MlflowClient("sqlite:///mlflow.db")
ids = [experiment.experiment_id for experiment in client.search_experiments()]
runs = [run for run in client.search_runs(ids) if "make tune" in run.data.tags.get("mlflow.source.name", "")]
print(json.dumps([[run.info.run_id, run.info.status, run.data.tags, run.data.metrics] for run in runs]))
"""


@pytest.fixture
def searched(small: Project) -> Project:
    """The small project with a small space to search, committed."""
    small.replace("params.yaml", "candidates: 24", "candidates: 5")
    small.replace("params.yaml", "folds: 3", "folds: 2")
    # fits that take a while, so that a search is stopped before it has ended
    small.replace("params.yaml", "iterations: {low: 50, high: 200, log: true}", "iterations: [100, 150, 200]")
    small.commit("a small space")
    return small


def fits(project: Project) -> int:
    """The number of fits in the cache."""
    return len(list(project.folder.glob(".tuning/*/fit-*.json")))


def tune_until(project: Project, count: int, log: Path) -> subprocess.Popen[str]:
    """Start `make tune`; return it once so many fits are in the cache."""
    run = project.start("make", "tune", log=log)
    deadline = time.monotonic() + 120
    while fits(project) < count and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert run.poll() is None, log.read_text()
    return run


def test_a_search_that_was_stopped_and_killed_goes_on_and_is_published_once(searched: Project, tmp_path: Path) -> None:
    run = tune_until(searched, 2, tmp_path / "stopped")
    os.killpg(run.pid, signal.SIGINT)  # as Ctrl-C does, to all that belong to the terminal
    assert run.wait(120) != 0
    stopped = (tmp_path / "stopped").read_text()
    assert re.search(r"tune: stopped; the results of \d+ fits are saved, and `make tune` continues from there", stopped)
    assert "Traceback" not in stopped
    assert re.search(r"Error 130", stopped)

    run = tune_until(searched, fits(searched) + 2, tmp_path / "killed")
    os.killpg(run.pid, signal.SIGKILL)
    stop(run)
    kept = fits(searched)
    assert searched.run("git", "status", "--porcelain", "params.yaml").stdout == ""

    printed = searched.make("tune").stdout
    assert f"{fits(searched) - kept} fits were made, {kept} were in the cache" in printed
    assert not list(searched.folder.glob(".tuning/**/.*"))
    check_only_the_model_changed(searched)
    assert "the search is in MLflow at sqlite:///mlflow.db" in printed
    runs = published(searched)

    for receipt in searched.folder.glob(".tuning/searches/*.run"):
        receipt.unlink()
    printed = searched.make("tune").stdout
    assert "no candidate is better than the present values" in printed
    assert published(searched) == runs


def check_only_the_model_changed(project: Project) -> None:
    changed = project.run("git", "diff", "--unified=0", "params.yaml").stdout.splitlines()[4:]
    lines = (project.folder / "params.yaml").read_text().splitlines()
    first = lines.index("model: # the arguments of build_model in model.py")
    section = set(lines[first : lines.index("", first)])
    assert all(line[1:] in section for line in changed if line.startswith("+"))
    assert project.run("git", "diff", "--stat", "--", ".", ":!params.yaml", ":!dvc.lock").stdout == ""


def published(project: Project) -> set[str]:
    """Return the ids of a search's runs in MLflow: one for the search, and one below it for each candidate."""
    runs = json.loads(project.run(project.python, "-W", "ignore", "-c", RUNS).stdout.splitlines()[-1])
    (upper,) = [run for run in runs if "mlflow.parentRunId" not in run[2]]
    below = [run for run in runs if run[2].get("mlflow.parentRunId") == upper[0]]
    assert len(below) == len(runs) - 1 == 5
    assert {run[1] for run in runs} == {"FINISHED"}
    assert all("cv_roc_auc" in run[3] for run in below)
    assert upper[3]["cv_roc_auc_gain"] > 0
    return {run[0] for run in runs}
