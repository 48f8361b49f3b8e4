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
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from cd4ml.files.atomic import write_text
from cd4ml.terminal.output import report
from cd4ml.tracking.address import TrackingAddress, TrackingError

FOLDER = Path(".mlflow")
LOCK_TIMEOUT = 300.0  # seconds to wait for another process that publishes


@dataclass(frozen=True)
class Published:
    """The run of one bundle on a server."""

    run: str
    """The run's id."""
    experiment: str
    version: str
    """The number of the registered model's version."""
    content: str
    """The digest of the bundle and the files that were published."""
    dirty: bool
    """Whether files differed from the commit that was published with them."""


@dataclass(frozen=True)
class Receipt:
    """What was published on one server: runs by bundle digest, and the bundle digest of each alias."""

    address: str
    bundles: dict[str, Published] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, address: TrackingAddress) -> Self:
        """Return the receipt for a server; empty if there is none, or its database was deleted."""
        empty = cls(address.redacted)
        if address.database is not None and not address.database.exists():
            return empty
        try:
            content = json.loads(_path(address).read_bytes())
            bundles = {digest: Published(**fields) for digest, fields in content["bundles"].items()}
            return cls(content["address"], bundles, dict(content["aliases"]))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return empty  # only a cache: `track` then compares with the server

    def find(self, digest: str, content: str, alias: str) -> Published | None:
        """Return the run of a bundle if exactly this content was published and the alias points to it, else None."""
        published = self.bundles.get(digest)
        up_to_date = published and published.content == content and self.aliases.get(alias) == digest
        return published if up_to_date else None

    def with_bundle(self, digest: str, published: Published, alias: str) -> "Receipt":
        """Return the receipt after another bundle was published."""
        return Receipt(self.address, self.bundles | {digest: published}, self.aliases | {alias: digest})

    def write(self, address: TrackingAddress) -> None:
        """Write the receipt to its file, atomically."""
        write_text(_path(address), json.dumps(asdict(self), indent=1))


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
