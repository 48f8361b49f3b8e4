"""Judge a candidate on a host by the requests that it counted itself, at its own /metrics."""

import re
from collections.abc import Callable

from cd4ml.deploy.commands import CloudError
from cd4ml.deploy.docker_host.service import Service
from cd4ml.deploy.names import SCRIPT
from cd4ml.deploy.platform import Judge
from cd4ml.errors import UserError

_COUNT = re.compile(r'^http_requests_total\{path="([^"]*)",status="([a-z0-9]+)"\} ([0-9.e+]+)$', re.MULTILINE)
_NOT_ASKED_FOR = ("/health/", "/metrics")


class Requests(Judge):
    """All since its container started: below `minimum` they decide nothing, else `limit` percent may fail."""

    def __init__(self, service: Service, read: Callable[[], str], minimum: int, limit: int) -> None:
        self.service, self.minimum, self.limit = service, minimum, limit
        self._read = read
        self.total, self.errors = 0, 0

    def look(self) -> str:
        """Count; too many answers with 5xx are an error."""
        try:
            self.total, self.errors = count(self._read())
        except UserError:
            return ""  # the probes say whether it answers
        if self.total >= self.minimum and self.errors * 100 > self.limit * self.total:
            many = f"{self.errors} of {self.total} requests with 5xx, more than {self.limit} %"
            restore = f"{SCRIPT} restore {self.service.environment}"
            raise CloudError(f"{self.service.candidate} answered {many}: {restore}")
        return ""

    def verdict(self, probes: int, rounds: int) -> str:
        """Say what was counted last."""
        if self.total < self.minimum:
            return f"judged on probes only ({self.total} requests counted, {self.minimum} needed)"
        return f"{self.errors} of {self.total} requests answered with 5xx, at most {self.limit} % allowed"


def count(metrics: str) -> tuple[int, int]:
    """Return all requests that metrics in Prometheus' format tell of, but for probes, and those answered with 5xx."""
    counts = [(status, int(float(number))) for path, status, number in _COUNT.findall(metrics)
              if not path.startswith(_NOT_ASKED_FOR)]  # fmt: skip
    return sum(number for _, number in counts), sum(number for status, number in counts if status.startswith("5"))
