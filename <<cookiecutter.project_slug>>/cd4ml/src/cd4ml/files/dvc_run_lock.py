"""Whether DVC is at work in this folder, so that nobody changes params.yaml in the middle of a run."""

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
    """Keep DVC from beginning anything while the block runs.

    DVC locks the repository between stages, and while a stage runs the files that this stage reads and writes. It
    would let params.yaml change before the next stage, which then works on what the earlier ones never saw.

    Raises:
        UserError: a run is under way.
    """
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with (_FOLDER / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(_refusal("another process")) from None
        if at_work := _at_work():
            raise UserError(_refusal(at_work))
        yield


def _refusal(who: str) -> str:
    return f"DVC is at work in this folder ({who}); wait until it has ended, or stop it, then run this again"


def _at_work() -> str | None:
    """Return the process that has locked files, and is alive."""
    try:
        locked = json.loads((_FOLDER / "rwlock").read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    owners = [*locked.get("write", {}).values(), *(one for many in locked.get("read", {}).values() for one in many)]
    for owner in owners:
        if owner and is_alive(owner["pid"]):
            return f"process {owner['pid']}"
    return None
