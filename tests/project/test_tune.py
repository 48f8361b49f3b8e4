"""`make tune` on a small project: stopped and continued, published once, on two machines, careful with params.yaml."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tests.project import postgresql
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
    small.replace("params.yaml", "iterations: {low: 50, high: 200, log: true}", "iterations: [200, 300, 400]")
    small.replace("params.yaml", "min_samples_leaf: 50\n", "min_samples_leaf: 2000\n")  # every candidate is better
    small.commit("a small space")
    return small


def study(project: Project, query: str) -> int:
    """Return the answer of the study's database to a query, a number; 0 as long as there is no study."""
    try:
        with closing(sqlite3.connect(f"file:{project.folder}/.tuning/studies.db?mode=ro", uri=True)) as database:
            (count,) = database.execute(query).fetchone()
            return int(count)
    except sqlite3.OperationalError:  # no file yet, or no table
        return 0


def candidates(project: Project) -> int:
    """Return the number of candidates that were evaluated."""
    return study(project, "SELECT COUNT(*) FROM trials WHERE state IN ('COMPLETE', 'PRUNED')")


def tune_until(project: Project, more: int, log: Path) -> subprocess.Popen[str]:
    """Start `make tune`; return it once it has scored candidates on so many rungs."""
    scored = "SELECT COUNT(*) FROM trial_intermediate_values"
    before = study(project, scored)
    run = project.start("make", "tune", log=log)
    deadline = time.monotonic() + 600
    while study(project, scored) < before + more:
        assert run.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)
    return run


def test_a_search_that_was_stopped_and_killed_goes_on_and_is_published_once(searched: Project, tmp_path: Path) -> None:
    run = tune_until(searched, 2, tmp_path / "stopped")
    os.killpg(run.pid, signal.SIGINT)  # as Ctrl-C does, to all that belong to the terminal
    assert run.wait(60) != 0
    stopped = (tmp_path / "stopped").read_text()
    assert re.search(r"tune: stopped; \d+ candidates are evaluated, and `make tune` continues from there", stopped)
    assert "Traceback" not in stopped
    assert re.search(r"Error 130", stopped)

    run = tune_until(searched, 2, tmp_path / "killed")
    os.killpg(run.pid, signal.SIGKILL)
    stop(run)
    kept = candidates(searched)
    assert searched.run("git", "status", "--porcelain", "params.yaml").stdout == ""

    printed = searched.make("tune").stdout
    assert f": {kept} candidates are evaluated" in printed
    assert candidates(searched) == 5
    check_only_the_model_changed(searched)
    assert "the search is in MLflow at sqlite:///mlflow.db" in printed
    runs = published(searched)

    with closing(sqlite3.connect(searched.folder / ".tuning/studies.db")) as database, database:
        database.execute("DELETE FROM study_user_attributes")  # the receipt
    printed = searched.make("tune").stdout
    assert "no candidate is better than the present values" in printed
    assert published(searched) == runs


def test_two_machines_search_together_in_postgresql(
    searched: Project, tmp_path: Path, need: Callable[[str, object, str], None]
) -> None:
    need("postgresql", postgresql.programs(), "PostgreSQL is not installed")
    searched.replace("params.yaml", "candidates: 5", "candidates: 8")
    searched.replace("Makefile", "ALSO :=\n", "ALSO := postgresql\n")
    searched.make("setup")
    shutil.copytree(searched.folder, tmp_path / "other", ignore=shutil.ignore_patterns(".venv"), symlinks=True)
    machines = [searched, Project(tmp_path / "other")]
    machines[1].make("setup")

    with postgresql.start() as address, ThreadPoolExecutor() as pool:
        first, second = (
            pool.submit(machine.cd4ml, "tune", check=False, settings={"OPTUNA_STORAGE": address})
            for machine in machines
        )
        printed = [first.result().stdout, second.result().stdout]

    for output in printed:
        assert re.search(r"study \w+ in postgresql\+psycopg://owner:\*\*\*@127\.0\.0\.1", output), output
        assert postgresql.PASSWORD not in output
        assert re.search(r"\d of 8  roc_auc", output), output
    tables = [re.findall(r"candidates on rows.*of 2 folds", output, re.DOTALL) for output in printed]
    assert len(tables[0]) == 1
    assert tables[0] == tables[1]
    assert len({(machine.folder / "params.yaml").read_text() for machine in machines}) == 1
    assert sum("the search is in MLflow at" in output for output in printed) == 1


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
