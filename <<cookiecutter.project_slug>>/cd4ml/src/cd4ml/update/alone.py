"""One update of a project at a time, which nothing stops while it changes the project."""

import fcntl
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cd4ml.files.git import output_of
from cd4ml.update.record import UpdateError

_LOCK = "cd4ml-update"  # in the repository's .git; the system releases it when the process ends, however it does
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # the last one: the terminal was closed


@contextmanager
def alone() -> Iterator[None]:
    """Let no other update of this repository run during the block.

    Raises:
        UpdateError: one runs already.
    """
    with Path(output_of("rev-parse", "--absolute-git-dir"), _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UpdateError("another update of this repository is under way: wait until it has ended") from None
        yield


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ignore Ctrl-C, SIGTERM and SIGHUP in the block, which takes a second; so do the commands that it starts."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
