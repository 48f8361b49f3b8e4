"""A run that fails or is killed harms nothing that was there, and running again goes on from it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.slow.baked import Project, stop

STAGES = ("ingest", "validate", "split", "train", "package", "evaluate")


def break_the_table(project: Project) -> None:
    """Add a month in which two rows break the contract."""
    project.run(
        project.python,
        "-c",
        "import pandas as pd; t = pd.read_parquet('data/source/2013-07.parquet');"
        "t.loc[:1, 'distance'] = -5; t.loc[7, 'carrier'] = 'XX'; t.to_parquet('data/source/2013-07.parquet')",
    )
    project.replace("params.yaml", "2013-07-31", "2013-07-30")


def test_rows_that_break_the_contract_stop_the_run(project: Project) -> None:
    bundle = project.digest
    break_the_table(project)

    refused = project.make("train", check=False)

    assert refused.returncode != 0
    assert "contract: 2 rules broken in" in refused.stdout
    assert "column    rule              rows  for example" in refused.stdout
    assert "distance  at least 0           2  -5" in refused.stdout
    assert 'carrier   one of 16 values     1  "XX"' in refused.stdout
    assert "Running stage 'split'" not in refused.stdout
    assert project.digest == bundle


def test_undo_goes_back_after_a_refusal(project: Project) -> None:
    before = project.state()
    break_the_table(project)
    project.make("train", check=False)
    project.run("git", "checkout", "params.yaml", "data/source")

    said = project.make("undo").stdout

    assert "data, models and reports are as in the last commit" in said
    assert project.state() == before
    assert "Running stage" not in project.make("train").stdout


def test_undo_goes_back_after_another_model_was_trained(project: Project) -> None:
    before = project.state()
    project.replace("params.yaml", "iterations: 100", "iterations: 10")
    project.make("train")
    (project.folder / "reports/notes.txt").write_text("mine, and not in git")

    project.run("git", "checkout", "params.yaml")
    project.make("undo")

    assert project.state() == before


def test_undo_before_the_first_commit_says_so(project: Project) -> None:
    project.run("git", "update-ref", "-d", "HEAD")

    said = project.make("undo", check=False)

    assert said.returncode != 0
    assert "nothing is committed yet, so there is no state to go back to" in said.stdout


def retrain_until(project: Project, stage: str, log: Path) -> tuple[subprocess.Popen[str], int]:
    """Start a run of everything with other parameters; return it and the stage's process once that has begun."""
    project.replace("params.yaml", "2013-07-31", "2013-08-31")
    run = project.start("uv", "run", "dvc", "repro", log=log)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_bytes().split(b"\0")
                here = (process / "cwd").resolve() == project.folder.resolve()
            except OSError:
                continue
            if here and words[1:4] == [b"-m", project.package.encode(), stage.encode()]:
                return run, int(process.name)
        assert run.poll() is None, log.read_text()
        time.sleep(0.01)
    pytest.fail(f"{stage} did not begin in time")


def is_alive(process: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


needs_proc = pytest.mark.skipif(not Path("/proc/self").exists(), reason="finds processes through /proc")


@needs_proc
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("delay", [0.0, 1.2])
def test_a_killed_stage_harms_nothing_and_running_again_goes_on(
    project: Project, stage: str, delay: float, tmp_path: Path
) -> None:
    before = project.state()
    run, process = retrain_until(project, stage, tmp_path / "log")
    time.sleep(delay)
    if is_alive(process):
        os.kill(process, signal.SIGKILL)
    run.wait(120)

    project.run("uv", "run", "python", "-c", f"from {project.package}.bundle import Bundle; from pathlib import Path;"
                "Bundle.load(Path('models/bundle'))")  # fmt: skip
    project.make("train")
    after = project.state()
    assert project.read_json("models/bundle/bundle.json")["until"] == "2013-08-31"
    assert not [name for name in after if ".new-" in name or ".old-" in name]

    project.run("git", "checkout", "params.yaml")
    project.make("undo")
    assert project.state() == before


@needs_proc
@pytest.mark.parametrize("stage", ["ingest", "train", "package"])
def test_a_stage_stops_when_dvc_is_killed(project: Project, stage: str, tmp_path: Path) -> None:
    run, process = retrain_until(project, stage, tmp_path / "log")

    kill_dvc_alone(run.pid)
    stop(run)

    deadline = time.monotonic() + 10
    while is_alive(process) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_alive(process)
    project.make("train")
    assert project.read_json("models/bundle/bundle.json")["until"] == "2013-08-31"


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


def test_train_without_git_says_that_it_needs_git(project: Project, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("bash", "make", "touch", "awk", "uv", "env"):
        path = project.run("bash", "-c", f"command -v {name}").stdout.strip()
        (tools / name).symlink_to(path)

    said = project.make("train", check=False, PATH=str(tools))

    assert said.returncode != 0
    assert "git is not here, and DVC needs it: install git, then run git init" in said.stdout


def test_train_outside_a_repository_says_what_to_do(project: Project) -> None:
    (project.folder / ".git").rename(project.folder.parent / "git-put-aside")

    said = project.make("train", check=False)

    assert said.returncode != 0
    assert "not in a git repository, which DVC needs: run git init" in said.stdout
