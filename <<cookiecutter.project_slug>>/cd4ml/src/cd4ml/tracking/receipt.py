"""A receipt of what was published: a file for each server, so that nothing is published twice; and a lock.

With the receipt, `track` reports that nothing is new without a request to the server. With the lock, only one process
publishes at a time.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from cd4ml.files.atomic import write_text
from cd4ml.terminal.output import report
from cd4ml.tracking.address import TrackingAddress, TrackingError

FOLDER = Path(".mlflow")
LOCK_TIMEOUT = 300.0  # seconds to wait for another process that publishes


@dataclass(frozen=True)
class Published:
    """A bundle that was published to a server."""

    bundle: str
    """The bundle's digest."""
    content: str
    """The digest of the bundle and the files that were published."""
    run: str
    """The run's id."""
    experiment: str
    version: str
    """The number of the registered model's version."""
    dirty: bool
    """Whether files differed from the commit that was published with them."""


def read_receipt(address: TrackingAddress) -> dict[str, Published]:
    """Return what was published on a server, by alias; nothing if there is no receipt, or its database was deleted."""
    if address.database is not None and not address.database.exists():
        return {}
    try:
        content = json.loads(_path(address).read_bytes())
        return {alias: Published(**fields) for alias, fields in content["aliases"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}  # only a cache: `track` then compares with the server


def add_to_receipt(address: TrackingAddress, alias: str, published: Published) -> None:
    """Record that an alias was set to a bundle that was published, atomically."""
    aliases = {name: asdict(entry) for name, entry in (read_receipt(address) | {alias: published}).items()}
    write_text(_path(address), json.dumps({"address": address.redacted, "aliases": aliases}, indent=1))


def _path(address: TrackingAddress) -> Path:
    return FOLDER / f"{address.key}.json"


@contextmanager
def publishing_lock(timeout: float = LOCK_TIMEOUT) -> Iterator[None]:
    """Hold the lock by which only one process publishes from this folder; a process that ends releases it.

    Raises:
        TrackingError: another process still holds it after `timeout` seconds.
    """
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / "lock").open("a+") as file:
        deadline, reported = time.monotonic() + timeout, False
        while not _acquire(file.fileno()):
            file.seek(0)
            holder = file.read().strip() or "unknown"
            if time.monotonic() > deadline:
                raise TrackingError(
                    f"process {holder} has been publishing for {timeout:.0f} seconds; check it, then run `make track`"
                )
            if not reported:
                report(f"process {holder} is publishing; waiting for it, for up to {timeout:.0f} seconds")
                reported = True
            time.sleep(0.1)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _acquire(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
