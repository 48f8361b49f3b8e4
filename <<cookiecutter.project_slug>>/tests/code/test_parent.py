"""A stage never outlives the run that started it, not even when that ends before the stage has begun."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

CHILD = """
import sys, time
time.sleep({late})
from << cookiecutter.__package >>.parent import stop_with_parent
stop_with_parent()
print("begun", flush=True)
time.sleep({long})
open(sys.argv[1], "w").close()
"""
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], sys.argv[2]], stdout=subprocess.PIPE)
if {waits}:
    child.stdout.readline()
sys.exit(child.wait() if {stays} else 0)
"""


def outlives(folder: Path, *, late: float, waits: bool, stays: bool) -> bool:
    """Start a parent and its child; return whether the child came to its end."""
    ended = folder / "ended"
    child = CHILD.format(late=late, long=1.0)
    command = [sys.executable, "-c", PARENT.format(waits=waits, stays=stays), child, str(ended)]
    subprocess.run(command, check=False, timeout=30, start_new_session=True)
    deadline = time.monotonic() + late + 2
    while time.monotonic() < deadline and not ended.exists():
        time.sleep(0.05)
    return ended.exists()


def test_a_child_of_a_living_parent_goes_on(tmp_path: Path) -> None:
    assert outlives(tmp_path, late=0, waits=True, stays=True)


@pytest.mark.parametrize(("late", "waits"), [(0, True), (0.5, False)], ids=["later", "before it has begun"])
def test_a_child_whose_parent_is_gone_stops(tmp_path: Path, late: float, waits: bool) -> None:
    assert not outlives(tmp_path, late=late, waits=waits, stays=False)
