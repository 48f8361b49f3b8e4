"""Keep DVC from running in this folder, so that params.yaml does not change in the middle of a run."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cd4ml.errors import UserError
from cd4ml.files.atomic import is_alive

_FOLDER = Path(".dvc/tmp")


@contextmanager
def dvc_locked() -> Iterator[None]:
    """Hold DVC's lock of this repository while the block runs, so that no stage starts.

    DVC itself locks the repository only between stages; while a stage runs, it locks the files of that stage. Without
    this lock, params.yaml could change between two stages, and the later one would use values that the earlier one did
    not.

    Raises:
        UserError: DVC is running.
    """
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with (_FOLDER / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(_rejection("another process")) from None
        if process := _running_stage():
            raise UserError(_rejection(f"process {process}"))
        yield


def _rejection(process: str) -> str:
    return f"DVC is running in this folder ({process}); wait until it ends, or stop it, then run this again"


def _running_stage() -> int | None:
    """Return the id of a living process that has locked files for a stage; None if there is none."""
    try:
        locks = json.loads((_FOLDER / "rwlock").read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    owners = [*locks.get("write", {}).values(), *(owner for reads in locks.get("read", {}).values() for owner in reads)]
    return next((owner["pid"] for owner in owners if owner and is_alive(owner["pid"])), None)
