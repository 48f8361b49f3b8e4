"""A temporary folder that is removed however the run ends, but for a kill that no program can see."""

import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

_TERMINATED = 128 + signal.SIGTERM  # the shell's exit code of a program that SIGTERM stopped


@contextmanager
def temporary_folder(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """Yield a new folder, and remove it after the block, also if Ctrl-C or SIGTERM stops the run in it.

    A platform, a job's time limit and `timeout` end a run by SIGTERM, which by itself ends Python without cleaning up.

    Args:
        prefix: of its name.
        parent: in which it is made; None: the machine's folder for temporary files.
    """
    with _sigterm_unwinds(), tempfile.TemporaryDirectory(prefix=prefix, dir=parent) as name:
        yield Path(name)


@contextmanager
def _sigterm_unwinds() -> Iterator[None]:
    """Let SIGTERM leave the block by an exception, unless something else handles it already; only the first one."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return

    def stop(*_: object) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # make and timeout send it twice: the second would stop cleaning
        raise SystemExit(_TERMINATED)

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
