"""A run that fails or is killed harms nothing that was there, and running again goes on from it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from cd4ml.bundle.bundle import Bundle

from tests.project.baked import Project

BREAK = (
    "import pandas as pd; t = pd.read_parquet('data/source/2013-02.parquet');"
    "t.loc[:1, 'distance'] = -5; t.loc[7, 'carrier'] = 'XX'; t.to_parquet('data/source/2013-02.parquet')"
)


def test_rows_that_break_the_contract_stop_the_run_and_undo_goes_back(small: Project) -> None:
    before, bundle = small.state(), small.digest
    small.run(small.python, "-c", BREAK)
    small.replace("params.yaml", "2013-02-28", "2013-02-27")

    rejected = small.make("train", check=False)

    assert rejected.returncode != 0
    assert "contract.yaml: 2 rules violated in" in rejected.stdout
    assert "column    rule              rows  examples" in rejected.stdout
    assert "distance  at least 0           2  -5" in rejected.stdout
    assert 'carrier   one of 16 values     1  "XX"' in rejected.stdout
    assert "Running stage 'split'" not in rejected.stdout
    assert small.digest == bundle

    small.run("git", "checkout", "params.yaml", "data/source")
    undone = small.make("undo").stdout
    assert "data, models and reports are as in the last commit" in undone
    assert small.state() == before
    assert "Running stage" not in small.make("train").stdout


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="finds processes through /proc")
def test_whatever_is_killed_nothing_is_harmed_and_running_again_goes_on(small: Project, tmp_path: Path) -> None:
    before = small.state()
    small.replace("params.yaml", "2013-02-28", "2013-03-31")
    for number, (victim, stage, delay) in enumerate(KILLED):
        log = tmp_path / str(number)
        run, process = train_until(small, stage, log)
        time.sleep(delay)
        if victim == "stage":
            kill_if_alive(process)
        elif victim == "dvc":
            kill_dvc_alone(run.pid)
        else:
            os.killpg(run.pid, signal.SIGKILL)
        run.wait(120)
        wait_until_it_ends(process, log)
        wait_until_forgotten(run.pid)
        Bundle.load(small.folder / "models/bundle")

    goes_on = small.make("train").stdout
    assert "Stage 'split' didn't change, skipping" in goes_on
    assert small.read_json("models/bundle/bundle.json")["until"] == "2013-03-31"
    assert not [name for name in small.state() if ".new-" in name or ".old-" in name]

    (small.folder / "reports/notes.txt").write_text("in no commit")
    small.run("git", "checkout", "params.yaml")
    small.make("undo")
    assert small.state() == before


KILLED = [
    ("stage", "ingest", 0.0),
    ("stage", "validate", 0.0),
    ("stage", "split", 0.0),
    ("stage", "train", 0.0),
    ("dvc", "train", 0.0),
    ("stage", "package", 0.0),
    ("everything", "package", 1.0),
    ("stage", "evaluate", 0.0),
]
"""What is killed, one after the other, how many seconds after a stage has begun."""


def train_until(project: Project, stage: str, log: Path) -> tuple[subprocess.Popen[str], int]:
    """Start `make train`; return it and the stage's process once that has begun."""
    run = project.start("make", "train", log=log)
    command = [f"{project.folder}/.venv/bin/cd4ml", "stage", stage]
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for process, words in processes(run.pid):
            if words[1:4] == command:
                return run, process
        assert run.poll() is None, log.read_text()
        time.sleep(0.02)
    pytest.fail(f"{stage} did not begin in time")


def processes(group: int) -> list[tuple[int, list[str]]]:
    """Return the processes of a group, each with its command."""
    members = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(process.name)) == group:
                members.append((int(process.name), (process / "cmdline").read_text().split("\0")))
        except OSError:
            continue
    return members


def kill_if_alive(process: int) -> None:
    if is_alive(process):
        os.kill(process, signal.SIGKILL)


def kill_dvc_alone(group: int) -> None:
    """Kill dvc itself, and neither what has started it nor the stage below it."""
    (dvc,) = (process for process, words in processes(group) if words[1:4] == ["-m", "cd4ml.files.run_dvc", "repro"])
    os.kill(dvc, signal.SIGKILL)


def is_alive(process: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def wait_until_it_ends(process: int, log: Path) -> None:
    """Wait for a stage whose run is over: it may not outlive that.

    Python can look only between two steps of its own: loading a large library from a slow disk is one step.
    """
    deadline = time.monotonic() + 60
    while is_alive(process) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(process), Path(f"/proc/{process}/status").read_text() + log.read_text()


def wait_until_forgotten(group: int) -> None:
    """Wait until the system lists no process of a group: as long as it lists a killed DVC, another waits for that."""
    deadline = time.monotonic() + 60
    while processes(group) and time.monotonic() < deadline:
        time.sleep(0.05)


def test_an_error_in_the_teams_code_is_reported_without_the_librarys_stack(small: Project) -> None:
    name = f"src/{small.package}/model.py"
    small.replace(name, "    encoded = ColumnTransformer(", "    ().missing\n    encoded = ColumnTransformer(")
    line = 1 + (small.folder / name).read_text(encoding="utf-8").splitlines().index("    ().missing")

    failed = small.make("train", check=False)

    assert failed.returncode != 0
    assert f"stage train: {name}:{line}: AttributeError: 'tuple' object has no attribute 'missing'" in failed.stdout
    assert "Traceback" not in failed.stdout
    assert "/cd4ml/src/" not in failed.stdout
    whole = small.cd4ml("stage", "train", check=False, settings={"CD4ML_TRACEBACK": "1"}).stdout
    assert "Traceback (most recent call last):" in whole
    assert "/cd4ml/src/cd4ml/training/build.py" in whole
