"""A signal that arrives while Python frees an object, where what it raises is dropped, ends the run all the same."""

import subprocess
import sys

import pytest

RUN = """
import os, signal, sys, time
from cd4ml import cli
from cd4ml.doors import door
from cd4ml.files.temporary import signals_unwind

class Freed:
    def __del__(self):
        os.kill(os.getpid(), signal.NAME)

def main(_):
    with signals_unwind():
        Freed()
        time.sleep(60)

door.main = main
cli.run()
"""


@pytest.mark.parametrize(("name", "code", "printed"), [("SIGINT", 130, "\ndoor: stopped\n"), ("SIGTERM", 143, "")])
def test_a_run_ends_though_the_signal_came_in_a_destructor(name, code, printed):
    command = [sys.executable, "-c", RUN.replace("NAME", name), "door", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (code, "", printed)
