"""Judge a canary by the requests that were counted: what Cloud Run and a host with Docker share."""

import re
from collections.abc import Callable, Mapping

from cd4ml.deploy.commands import CloudError
from cd4ml.deploy.names import SCRIPT
from cd4ml.deploy.platform import Judge
from cd4ml.deploy.state import State


class CountedRequests(Judge):
    """Below CANARY_MINIMUM requests they decide nothing, else CANARY_ERROR_PERCENT of them may be answered with 5xx.

    `count` returns all requests and those with 5xx, or None if nobody can tell now.

    Raises:
        CloudError: a setting is no whole number.
    """

    def __init__(
        self, service: State, settings: Mapping[str, str], count: Callable[[], tuple[int, int] | None]
    ) -> None:
        given = [settings.get("CANARY_MINIMUM") or "50", settings.get("CANARY_ERROR_PERCENT") or "1"]
        if not all(re.fullmatch(r"[0-9]{1,5}", number) for number in given):
            raise CloudError("SECONDS and the CANARY_ settings are whole numbers")
        self.minimum, self.limit = map(int, given)
        self.service, self._count = service, count
        self.total, self.errors = 0, 0

    def look(self) -> str:
        """Count; too many answers with 5xx are an error."""
        counted = self._count()
        if counted is None:
            return ""
        self.total, self.errors = counted
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
