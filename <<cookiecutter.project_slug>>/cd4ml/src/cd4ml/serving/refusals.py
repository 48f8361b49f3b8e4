"""Count the connections that are refused or closed before the application sees a request, with a line in the log each.

Neither the lines of requests nor `http_requests_total` have them.
"""

import logging
from collections import Counter

from cd4ml.serving.counts import Counts

log = logging.getLogger(__name__)

REASONS = {
    "not_http": "refused a connection with 400: what it sent is not valid HTTP",
    "headers": "refused a connection with 431: its headers are too many, or too long",
    "crowded": "refused a connection with 503: too many are open",
    "late": "closed a connection: a request was not complete in time",
    "silent": "closed a connection: nothing was sent on it in time",
    "unread": "closed a connection: its client did not read an answer in time",
    "idle": "closed a connection between two requests: too many are open",
}
"""What the log says, by the reason that is the metric's label."""
MOST_LINES = 10
"""Lines in one second. The rest of that second is one line more, so that no client can fill the log with them."""
_NUMBER = {reason: number for number, reason in enumerate(REASONS)}


class Refusals:
    """Counts and logs refusals, by reason.

    Args:
        counts: of the service; this adds to `refusals`, shape `(reasons,)`.
    """

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._lines = 0
        self._unwritten: Counter[str] = Counter()

    def add(self, reason: str) -> None:
        """Count a refusal, and write its line unless this second had many."""
        self._counts.own("refusals")[_NUMBER[reason]] += 1
        if self._lines < MOST_LINES:
            self._lines += 1
            log.warning(REASONS[reason])
        else:
            self._unwritten[reason] += 1

    def end_second(self) -> None:
        """Write one line for the refusals of the last second that have none."""
        self._lines = 0
        if self._unwritten:
            listed = ", ".join(f"{count:,} {reason}" for reason, count in self._unwritten.items())
            log.warning("refused or closed %s more connections: %s", f"{self._unwritten.total():,}", listed)
            self._unwritten.clear()
