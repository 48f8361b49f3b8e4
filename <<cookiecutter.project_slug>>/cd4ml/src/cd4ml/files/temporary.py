"""A temporary folder that is removed however the run ends, but for a kill that no program can see."""

import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

_ENDING = (signal.SIGTERM, signal.SIGHUP)  # what a platform, a time limit, `timeout` and a closed terminal send


@contextmanager
def temporary_folder(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """Yield a new folder, and remove it after the block, also if Ctrl-C or another signal stops the run in it.

    Args:
        prefix: of its name.
        parent: in which it is made; None: the machine's folder for temporary files.
    """
    # What a command that was stopped still writes into the folder must not hide why the run ends.
    with signals_unwind(), tempfile.TemporaryDirectory(prefix=prefix, dir=parent, ignore_cleanup_errors=True) as name:
        yield Path(name)


@contextmanager
def signals_unwind() -> Iterator[None]:
    """Let SIGTERM or SIGHUP leave the block by an exception, so that what it began is cleaned up; only the first one.

    By themselves, they end Python without that. A signal that is ignored or handled already is left alone.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours = [number for number in _ENDING if signal.getsignal(number) == signal.SIG_DFL]

    def stop(number: int, _: object) -> NoReturn:
        for each in ours:  # make and timeout send it twice: the second would stop cleaning
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(128 + number)  # as a shell says it

    for number in ours:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)
