"""Report the progress of a download, a query or a long computation every few seconds."""

import time

from cd4ml.terminal.output import report

_INTERVAL = 5.0  # seconds
_MEGABYTE = 1_000_000


class ProgressMeter:
    """Prints the progress of a task at most once in five seconds, so nothing at all for a quick one."""

    def __init__(self, task: str) -> None:
        self._task = task
        self._last_report = time.monotonic()

    def report_bytes(self, received: int, total: int | None) -> None:
        """Report the number of bytes received, and their total if it is known."""
        if self._is_due():
            of_total = f" of {total / _MEGABYTE:,.1f}" if total else ""
            report(f"{self._task}: {received / _MEGABYTE:,.1f}{of_total} MB")

    def report_rows(self, rows: int, total: int | None = None) -> None:
        """Report the number of rows read or computed, and their total if it is known."""
        if self._is_due():
            report(f"{self._task}: {rows:,} {f'of {total:,} rows' if total else 'rows so far'}")

    def _is_due(self) -> bool:
        now = time.monotonic()
        if now - self._last_report < _INTERVAL:
            return False
        self._last_report = now
        return True
