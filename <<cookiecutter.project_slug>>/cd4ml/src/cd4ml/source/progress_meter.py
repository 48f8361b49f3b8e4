"""How far a long reading is, said now and then."""

import time

from cd4ml.terminal.output import report

_EVERY = 5.0  # seconds
_MEGABYTE = 1_000_000


class Meter:
    """Says how much there is of something, at most once in five seconds; nothing at all where it is quick."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._said = time.monotonic()

    def bytes(self, have: int, total: int | None) -> None:
        """Say how many bytes have come, of how many where that is known."""
        if self._is_time():
            of = f" of {total / _MEGABYTE:,.1f}" if total else ""
            report(f"{self._what}: {have / _MEGABYTE:,.1f}{of} MB")

    def rows(self, have: int) -> None:
        """Say how many rows have come."""
        if self._is_time():
            report(f"{self._what}: {have:,} rows so far")

    def _is_time(self) -> bool:
        now = time.monotonic()
        if now - self._said < _EVERY:
            return False
        self._said = now
        return True
