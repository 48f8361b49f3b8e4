"""DVC runs the pipeline; what it says about commands that a project does not use is not shown."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from trained_repository import run

FOREIGN = ("git add dvc.lock", "autostage", "dvc push", "Having any troubles", "dvc.org/support")


def shell(command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in bash, in which `cd4ml` is the command line."""
    return subprocess.run(
        ["bash", "-c", command.replace("cd4ml", f"{sys.executable} -m cd4ml")],
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def changed(repository: Path) -> Path:
    """A trained repository whose pipeline is out of date; it is the working directory."""
    Path("model.py").write_text("another\n", encoding="utf-8")
    return repository


def test_a_run_shows_the_stages_and_no_advice_of_dvc(changed: Path) -> None:
    done = shell("cd4ml train --no-track")

    assert done.returncode == 0, done.stderr
    assert "Running stage 'package':" in done.stdout
    assert done.stdout.endswith(
        "next: make serve to try it, make gate to judge it, git add -A && git commit to keep it\n"
    )
    assert [words for words in FOREIGN if words in done.stdout + done.stderr] == []


def test_an_error_of_dvc_is_shown_without_its_address_for_support(changed: Path) -> None:
    done = shell("cd4ml.files.run_dvc get . models/nothing --rev HEAD")

    assert done.returncode != 0
    assert "ERROR: unexpected error - ['models/nothing']" in done.stderr
    assert [words for words in FOREIGN if words in done.stderr] == []


@pytest.mark.parametrize("verb", ["status", "train --no-track", "undo", "repair-cache", "door"])
def test_a_reader_that_ends_early_stops_the_verb_without_a_word(verb: str, changed: Path) -> None:
    pipeline = Path("dvc.yaml").read_text(encoding="utf-8")
    Path("dvc.yaml").write_text(pipeline.replace("cmd: mkdir -p models", "cmd: seq 9999 && mkdir -p models"), "utf-8")
    run("git", "commit", "--all", "--quiet", "--message", "another model, by a stage that prints")

    done = shell(f"cd4ml {verb} | true; exit ${{PIPESTATUS[0]}}")

    assert (done.returncode, done.stderr) == (141, "")
