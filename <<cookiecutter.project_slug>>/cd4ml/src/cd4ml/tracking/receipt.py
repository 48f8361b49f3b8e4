"""What was published where: a file a server, so that "nothing new" is said without asking it; and one at a time."""

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
PATIENCE = 300.0  # seconds to wait for another one that publishes


@dataclass(frozen=True)
class Published:
    """One bundle's run on a server."""

    run: str
    """The run's id."""
    experiment: str
    version: str
    """The number of the registered model's version."""
    content: str
    """The digest of all that was published."""
    dirty: bool
    """Whether the commit that was published did not hold this state yet."""


@dataclass(frozen=True)
class Receipt:
    """All that was published on one server, by bundle digest, and where the aliases were set."""

    address: str
    bundles: dict[str, Published] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, where: TrackingAddress) -> Self:
        """Return the receipt for a server; an empty one where there is none, or the database it tells of is gone."""
        empty = cls(where.address)
        if where.database is not None and not where.database.exists():
            return empty
        try:
            said = json.loads(_path(where).read_bytes())
            bundles = {digest: Published(**one) for digest, one in said["bundles"].items()}
            return cls(said["address"], bundles, dict(said["aliases"]))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return empty  # it is only a short cut: the server knows

    def holds(self, digest: str, content: str, alias: str) -> Published | None:
        """Return what was published of a bundle, if all of it was and the alias points to it."""
        known = self.bundles.get(digest)
        return known if known and known.content == content and self.aliases.get(alias) == digest else None

    def with_bundle(self, digest: str, published: Published, alias: str) -> "Receipt":
        """Return the receipt after a publication."""
        return Receipt(self.address, self.bundles | {digest: published}, self.aliases | {alias: digest})

    def write(self, where: TrackingAddress) -> None:
        """Keep it, whole or not at all."""
        write_text(_path(where), json.dumps(asdict(self), indent=1))


def _path(where: TrackingAddress) -> Path:
    return FOLDER / f"{where.key}.json"


@contextmanager
def alone(patience: float = PATIENCE) -> Iterator[None]:
    """Let only one publish at a time in this folder; the operating system ends a dead one's turn.

    Raises:
        TrackingError: another one still publishes after `patience` seconds.
    """
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / "lock").open("a+") as lock:
        deadline, told = time.monotonic() + patience, False
        while not _taken(lock.fileno()):
            lock.seek(0)
            other = lock.read().strip() or "unknown"
            if time.monotonic() > deadline:
                raise TrackingError(
                    f"process {other} has been publishing for {patience:.0f} seconds; look after it, then `make track`"
                )
            if not told:
                report(f"process {other} is publishing; waiting for it, for up to {patience:.0f} seconds")
                told = True
            time.sleep(0.1)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
