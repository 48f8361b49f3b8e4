"""A stage never outlives the process that started it, not even if that one ends before the stage has begun."""

import subprocess
import sys
from pathlib import Path

import pytest

CHILD = """
import pathlib, time
time.sleep({delay})
from cd4ml.pipeline.orphan_watchdog import stop_with_parent
stop_with_parent()
pathlib.Path("begun").touch()
time.sleep({duration})
pathlib.Path("ended").touch()
"""
PARENT = """
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]])
while {waits_for_begin} and not pathlib.Path("begun").exists():
    time.sleep(0.05)
sys.exit(child.wait() if {waits_for_end} else 0)
"""


def child_completes(folder: Path, *, delay: float, waits_for_begin: bool, waits_for_end: bool) -> bool:
    """Start a parent and its child; return whether the child ran to its end.

    Args:
        folder: in which both run.
        delay: seconds before the child watches its parent.
        waits_for_begin: whether the parent lives until the child watches it.
        waits_for_end: whether the parent lives until the child has ended.
    """
    child = CHILD.format(delay=delay, duration=1 if waits_for_end else 30)
    parent = PARENT.format(waits_for_begin=waits_for_begin, waits_for_end=waits_for_end)
    # The child inherits the pipe, so that this waits for both.
    command = [sys.executable, "-c", parent, child]
    subprocess.run(command, check=False, cwd=folder, stderr=subprocess.PIPE, timeout=60, start_new_session=True)
    return (folder / "ended").exists()


def test_a_child_of_a_living_parent_continues(tmp_path: Path) -> None:
    assert child_completes(tmp_path, delay=0, waits_for_begin=True, waits_for_end=True)


@pytest.mark.parametrize(
    ("delay", "waits_for_begin"), [(0, True), (0.5, False)], ids=["later", "before the child has begun"]
)
def test_a_child_whose_parent_has_ended_stops(tmp_path: Path, delay: float, waits_for_begin: bool) -> None:
    assert not child_completes(tmp_path, delay=delay, waits_for_begin=waits_for_begin, waits_for_end=False)
