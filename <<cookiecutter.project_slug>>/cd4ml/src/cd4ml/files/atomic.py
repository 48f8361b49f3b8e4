"""Write whole files and folders or nothing: to a temporary name first, then rename.

The temporary name carries the writer's process id, so that two runs at once do not mix, and so that what a
killed run left behind is recognised and removed by the next one.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` to write a file to; it takes `path`'s place when the block succeeds."""
    temporary = _temporary(path)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield an empty temporary folder beside `path`; it takes `path`'s place when the block succeeds.

    A folder that is not empty cannot be renamed over, so there are two renames: the old one aside, the new one in.
    Between them a killed run leaves the old folder under its temporary name, and `path` missing, never half of each.
    """
    temporary = _temporary(path)
    aside = path.with_name(f".{path.name}.old-{os.getpid()}")
    temporary.mkdir()
    try:
        yield temporary
        if path.exists():
            path.rename(aside)
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def scratch_folder(path: Path) -> Iterator[Path]:
    """Yield an empty temporary folder beside `path`, and remove it with all that is in it; nothing becomes `path`."""
    temporary = _temporary(path)
    temporary.mkdir()
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path`, UTF-8 with a newline at its end, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")


def _temporary(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{path.name}.*-*"):
        process = left.name.rpartition("-")[2]
        if process.isdigit() and not is_alive(int(process)):  # else not a name of ours: leave it alone
            shutil.rmtree(left) if left.is_dir() else left.unlink()
    return path.with_name(f".{path.name}.new-{os.getpid()}")


def is_alive(process: int) -> bool:
    """Return whether a process has not ended yet; one that has, and waits for its parent to take note, has ended."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:  # not on Linux, or gone just now
        return True
    return state != "Z"
