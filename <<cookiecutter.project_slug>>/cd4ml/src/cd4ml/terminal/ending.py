"""How a program ends: an error that the user can fix is one line, and a reader that has ended is no error."""

import errno
import os
import sys
from collections.abc import Callable
from io import TextIOWrapper
from typing import NoReturn

from cd4ml.terminal.stopping import raise_dropped_stops

TRACEBACK = "CD4ML_TRACEBACK"
_SIGPIPE = 141  # the shell's exit code of a program whose reader has ended

_DISK_ERRORS = {
    errno.ENOSPC: "the disk is full; free some space, then run this again",
    errno.EDQUOT: "your disk quota is used up; free some space, then run this again",
    errno.EROFS: "this folder is on a disk that cannot be written to; move the project, or remount the disk",
    errno.EACCES: "permission denied; change the permissions or the owner of the file",
    errno.EEXIST: "a file, or a link that leads nowhere, is where a folder is needed; move it away",
    errno.ENOTDIR: "a file is where a folder is needed; move it away",
    errno.EISDIR: "a folder is where a file is needed; move it away",
}


def exit_with(program: Callable[[], int]) -> NoReturn:
    """Run a program, and exit this process with the exit code that it returns."""
    raise_dropped_stops()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that is not UTF-8 lacks characters of the tables
    try:
        code = program()
        sys.stdout.flush()
    except BrokenPipeError:  # what reads the output, such as `head`, has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python's own flush at exit fails, too
        code = _SIGPIPE
    sys.exit(code)


def fail(label: str, message: str) -> int:
    """Print an error that the user can fix, with the traceback only if the user asks for it; return the exit code."""
    if os.environ.get(TRACEBACK, "") not in ("", "0"):
        import traceback

        traceback.print_exc()
    print(f"{label}: {message}", file=sys.stderr)
    return 1


def explain_disk(failure: Exception) -> str | None:
    """Return the message for an error of the disk or of a file's permissions; None if it is another error."""
    if not isinstance(failure, OSError) or failure.errno not in _DISK_ERRORS:
        return None
    name = failure.filename2 or failure.filename  # of a rename, where to
    file = f" ({name})" if name else ""
    return f"{_DISK_ERRORS[failure.errno]}{file}; no existing file was changed"
