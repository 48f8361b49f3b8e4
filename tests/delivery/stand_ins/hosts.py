"""Names that are found on the loopback, in /etc/hosts, for as long as a test needs them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

HOSTS = Path("/etc/hosts")


def can_be_named() -> bool:
    """Whether this process may write them down."""
    return os.access(HOSTS, os.W_OK)


@contextmanager
def named(addresses: dict[str, str]) -> Iterator[None]:
    """Let names be found at addresses until the block ends."""
    lines = "".join(f"{address} {name}\n" for name, address in addresses.items())
    _edit(lambda text: text + ("" if text.endswith("\n") else "\n") + lines)
    try:
        yield
    finally:
        _edit(lambda text: text.replace(lines, ""))


def _edit(change: Callable[[str], str]) -> None:
    """Change the file in one write, as it may be mounted and cannot then be replaced; one process at a time."""
    with HOSTS.open("r+", encoding="utf-8") as hosts:
        fcntl.flock(hosts, fcntl.LOCK_EX)
        text = change(hosts.read())
        hosts.seek(0)
        hosts.write(text)
        hosts.truncate()
