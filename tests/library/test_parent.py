"""A stage never outlives the run that started it, not even when that ends before the stage has begun."""

import subprocess
import sys
from pathlib import Path

import pytest

CHILD = """
import pathlib, time
time.sleep({late})
from cd4ml.pipeline.orphan_watchdog import stop_with_parent
stop_with_parent()
pathlib.Path("begun").touch()
time.sleep({lives})
pathlib.Path("ended").touch()
"""
PARENT = """
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]])
while {waits} and not pathlib.Path("begun").exists():
    time.sleep(0.05)
sys.exit(child.wait() if {stays} else 0)
"""


def outlives(folder: Path, *, late: float, waits: bool, stays: bool) -> bool:
    """Start a parent and its child; return whether the child came to its end."""
    child = CHILD.format(late=late, lives=1 if stays else 30)
    command = [sys.executable, "-c", PARENT.format(waits=waits, stays=stays), child]
    # The child holds the end of this pipe too, so that this waits for both.
    subprocess.run(command, check=False, cwd=folder, stderr=subprocess.PIPE, timeout=60, start_new_session=True)
    return (folder / "ended").exists()


def test_a_child_of_a_living_parent_goes_on(tmp_path: Path) -> None:
    assert outlives(tmp_path, late=0, waits=True, stays=True)


@pytest.mark.parametrize(("late", "waits"), [(0, True), (0.5, False)], ids=["later", "before it has begun"])
def test_a_child_whose_parent_is_gone_stops(tmp_path: Path, late: float, waits: bool) -> None:
    assert not outlives(tmp_path, late=late, waits=waits, stays=False)
