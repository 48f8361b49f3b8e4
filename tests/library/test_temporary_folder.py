"""What a run keeps in a temporary folder is gone after it, also if a signal or Ctrl-C stopped it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

RUN = """
import signal, sys, time
from pathlib import Path
from cd4ml.files.temporary import temporary_folder

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup, under which the tests may run, ignores it
with temporary_folder("outer-", Path(sys.argv[1])) as outer, temporary_folder("inner-", outer) as inner:
    (inner / "file").write_text("x")
    print("ready", flush=True)
    time.sleep(60)
"""


def started(folder: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", RUN, str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, -2)])
def test_a_run_that_is_stopped_leaves_nothing(tmp_path, number, code):
    process = started(tmp_path)
    assert list(tmp_path.iterdir())

    process.send_signal(number)
    process.send_signal(number) if number == signal.SIGTERM else None  # make sends it twice

    _, error = process.communicate(timeout=30)
    assert process.returncode == code
    assert list(tmp_path.iterdir()) == []
    assert error == "" or number == signal.SIGINT


def test_a_handler_of_the_caller_stays_its_own(tmp_path):
    from cd4ml.files.temporary import temporary_folder

    seen: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: seen.append(number))
    try:
        with temporary_folder("kept-", tmp_path):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0)
        assert seen == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)
    assert list(tmp_path.iterdir()) == []


def test_after_the_folder_sigterm_ends_the_run_as_before(tmp_path):
    from cd4ml.files.temporary import temporary_folder

    before = signal.getsignal(signal.SIGTERM)
    with temporary_folder("kept-", tmp_path) as folder:
        assert folder.is_dir()

    assert signal.getsignal(signal.SIGTERM) == before
