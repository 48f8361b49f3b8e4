"""Write a file or folder whole or not at all: under a temporary name first, then renamed.

The temporary name contains the writer's process id, so that two runs at the same time do not mix, and so that the next
run recognises and removes the files of a run that was killed.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write a file to; when the block succeeds, the file replaces `path`."""
    with _renamed_at_the_end(_temporary(path), path) as temporary:
        yield temporary


def write_durably(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, which is on the disk when this returns.

    Leftovers of a run that was killed are not looked for, since a folder may hold many thousand files.
    """
    path.parent.mkdir(exist_ok=True)
    with _renamed_at_the_end(_temporary_name(path), path) as temporary, temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _renamed_at_the_end(temporary: Path, path: Path) -> Iterator[Path]:
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield an empty temporary folder; when the block succeeds, it replaces `path`.

    A folder cannot be renamed over one that is not empty, so this takes two renames: the old folder away, the new one
    to `path`. A run that is killed between them leaves no `path`, and never a mixture of both.
    """
    temporary = _temporary(path)
    old = path.with_name(f".{path.name}.old-{os.getpid()}")
    _make_empty(temporary)
    try:
        yield temporary
        if path.exists():
            path.rename(old)
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def scratch_folder(path: Path) -> Iterator[Path]:
    """Yield an empty temporary folder beside `path`, and remove it after the block; `path` itself is not touched."""
    temporary = _temporary(path)
    _make_empty(temporary)
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path`, as UTF-8 that ends with a newline, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")


def _make_empty(folder: Path) -> None:
    """Make a folder, in place of one that an earlier run left which had this process's number."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()


def _temporary(path: Path) -> Path:
    """Return a temporary path beside `path`; remove those that runs which were killed have left."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for leftover in path.parent.glob(f".{path.name}.*-*"):
        process = leftover.name.rpartition("-")[2]
        if process.isdigit() and not is_alive(int(process)):  # any other name was not made here: leave it alone
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    return _temporary_name(path)


def _temporary_name(path: Path) -> Path:
    return path.with_name(f".{path.name}.new-{os.getpid()}")


def is_alive(process: int) -> bool:
    """Return whether a process runs; a zombie, which has ended but which its parent has not waited for, does not."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:  # not on Linux, or the process has just ended
        return True
    return state != "Z"
