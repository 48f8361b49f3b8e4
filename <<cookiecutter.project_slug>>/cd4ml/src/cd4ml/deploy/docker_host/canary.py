"""How many requests a candidate on a host answered since its container started, by its own /metrics."""

import re
from collections.abc import Callable

from cd4ml.errors import UserError

_COUNT = re.compile(r'^http_requests_total\{path="([^"]*)",status="([a-z0-9]+)"\} ([0-9.e+]+)$', re.MULTILINE)
_NOT_ASKED_FOR = ("/health/", "/metrics")


def counted(read: Callable[[], str]) -> tuple[int, int] | None:
    """Return the same as `count` of what is read; None if it cannot be: the probes say whether it answers."""
    try:
        return count(read())
    except UserError:
        return None


def count(metrics: str) -> tuple[int, int]:
    """Return all requests that metrics in Prometheus' format tell of, but for probes, and those answered with 5xx."""
    counts = [(status, int(float(number))) for path, status, number in _COUNT.findall(metrics)
              if not path.startswith(_NOT_ASKED_FOR)]  # fmt: skip
    return sum(number for _, number in counts), sum(number for status, number in counts if status.startswith("5"))
