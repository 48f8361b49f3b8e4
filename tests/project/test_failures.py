"""A run that fails or is killed harms nothing that was there, and running again goes on from it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.project.baked import Project, stop

STAGES = ("ingest", "validate", "split", "train", "package", "evaluate")


def break_the_table(small: Project) -> None:
    """Add a month in which two rows break the contract."""
    small.run(
        small.python,
        "-c",
        "import pandas as pd; t = pd.read_parquet('data/source/2013-02.parquet');"
        "t.loc[:1, 'distance'] = -5; t.loc[7, 'carrier'] = 'XX'; t.to_parquet('data/source/2013-02.parquet')",
    )
    small.replace("params.yaml", "2013-02-28", "2013-02-27")


def test_rows_that_break_the_contract_stop_the_run(small: Project) -> None:
    bundle = small.digest
    break_the_table(small)

    refused = small.make("train", check=False)

    assert refused.returncode != 0
    assert "contract: 2 rules broken in" in refused.stdout
    assert "column    rule              rows  for example" in refused.stdout
    assert "distance  at least 0           2  -5" in refused.stdout
    assert 'carrier   one of 16 values     1  "XX"' in refused.stdout
    assert "Running stage 'split'" not in refused.stdout
    assert small.digest == bundle


def test_undo_goes_back_after_a_refusal(small: Project) -> None:
    before = small.state()
    break_the_table(small)
    small.make("train", check=False)
    small.run("git", "checkout", "params.yaml", "data/source")

    said = small.make("undo").stdout

    assert "data, models and reports are as in the last commit" in said
    assert small.state() == before
    assert "Running stage" not in small.make("train").stdout


def test_undo_goes_back_after_another_model_was_trained(small: Project) -> None:
    before = small.state()
    small.replace("params.yaml", "iterations: 10", "iterations: 20")
    small.make("train")
    (small.folder / "reports/notes.txt").write_text("mine, and not in git")

    small.run("git", "checkout", "params.yaml")
    small.make("undo")

    assert small.state() == before


def test_undo_before_the_first_commit_says_so(small: Project) -> None:
    small.run("git", "update-ref", "-d", "HEAD")

    said = small.make("undo", check=False)

    assert said.returncode != 0
    assert "nothing is committed yet, so there is no state to go back to" in said.stdout


def retrain_until(small: Project, stage: str, log: Path) -> tuple[subprocess.Popen[str], int]:
    """Start a run of everything with other parameters; return it and the stage's process once that has begun."""
    small.replace("params.yaml", "2013-02-28", "2013-03-31")
    run = small.start("uv", "run", "dvc", "repro", log=log)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_bytes().split(b"\0")
                here = (process / "cwd").resolve() == small.folder.resolve()
            except OSError:
                continue
            if here and words[1:4] == [f"{small.folder}/.venv/bin/cd4ml".encode(), b"stage", stage.encode()]:
                return run, int(process.name)
        assert run.poll() is None, log.read_text()
        time.sleep(0.05)
    pytest.fail(f"{stage} did not begin in time")


def is_alive(process: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


needs_proc = pytest.mark.skipif(not Path("/proc/self").exists(), reason="finds processes through /proc")


@needs_proc
@pytest.mark.parametrize(("stage", "delay"), [*((stage, 0.0) for stage in STAGES), ("package", 2.5)])
def test_a_killed_stage_harms_nothing_and_running_again_goes_on(
    small: Project, stage: str, delay: float, tmp_path: Path
) -> None:
    before = small.state()
    run, process = retrain_until(small, stage, tmp_path / "log")
    time.sleep(delay)
    if is_alive(process):
        os.kill(process, signal.SIGKILL)
    run.wait(120)

    small.run("uv", "run", "python", "-c", f"from cd4ml.bundle.bundle import Bundle; from pathlib import Path;"
                "Bundle.load(Path('models/bundle'))")  # fmt: skip
    small.make("train")
    after = small.state()
    assert small.read_json("models/bundle/bundle.json")["until"] == "2013-03-31"
    assert not [name for name in after if ".new-" in name or ".old-" in name]

    small.run("git", "checkout", "params.yaml")
    small.make("undo")
    assert small.state() == before


@needs_proc
@pytest.mark.parametrize("stage", ["ingest", "train", "package"])
def test_a_stage_stops_when_dvc_is_killed(small: Project, stage: str, tmp_path: Path) -> None:
    run, process = retrain_until(small, stage, tmp_path / "log")

    kill_dvc_alone(run.pid)
    stop(run)

    # Python can look only between two steps of its own: loading a large library from a slow disk is one step.
    deadline = time.monotonic() + 60
    while is_alive(process) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_alive(process), Path(f"/proc/{process}/status").read_text() + (tmp_path / "log").read_text()
    small.make("train")
    assert small.read_json("models/bundle/bundle.json")["until"] == "2013-03-31"


def kill_dvc_alone(group: int) -> None:
    """Kill dvc itself, and neither uv above it nor the stage below it."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            ours = os.getpgid(int(process.name)) == group
        except OSError:
            continue
        if ours and words[0].endswith(b"python") and words[1].endswith(b"/dvc"):
            os.kill(int(process.name), signal.SIGKILL)
            return
    pytest.fail("dvc was not found")


def test_train_without_git_says_that_it_needs_git(small: Project, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("bash", "make", "touch", "awk", "sed", "uv", "env"):
        path = small.run("bash", "-c", f"command -v {name}").stdout.strip()
        (tools / name).symlink_to(path)

    said = small.make("train", check=False, settings={"PATH": str(tools)})

    assert said.returncode != 0
    assert "git was not found, and DVC needs it: install git, then run git init" in said.stdout


def test_train_outside_a_repository_says_what_to_do(small: Project) -> None:
    (small.folder / ".git").rename(small.folder.parent / "git-put-aside")

    said = small.make("train", check=False)

    assert said.returncode != 0
    assert "not in a git repository, which DVC needs: run git init" in said.stdout
