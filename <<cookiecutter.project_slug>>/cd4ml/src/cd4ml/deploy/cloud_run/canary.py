"""Judge a candidate on Cloud Run by the requests that Cloud Monitoring counted."""

from cd4ml.deploy.cloud_run import steps
from cd4ml.deploy.cloud_run.requests_counted import requests_counted
from cd4ml.deploy.cloud_run.service import Service
from cd4ml.deploy.commands import CloudError, Effects, UnreadError
from cd4ml.deploy.names import SCRIPT
from cd4ml.deploy.platform import Judge


class Requests(Judge):
    """The requests of the last `seconds`: below `minimum` they decide nothing, else `limit` percent may fail."""

    def __init__(
        self, effects: Effects, project: str, service: Service, seconds: int, minimum: int, limit: int
    ) -> None:
        self.effects, self.project, self.service, self.seconds = effects, project, service, seconds
        self.minimum, self.limit = minimum, limit
        self.total, self.errors = 0, 0

    def look(self) -> str:
        """Count; too many answers with 5xx are an error."""
        self.total, self.errors = self._counted()
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

    def _counted(self) -> tuple[int, int]:
        """Return how many requests the candidate answered, and how many of them with 5xx; 0, 0 when unknown."""
        try:
            token = self.effects.read_text(steps.token(kind="access"))
            return requests_counted(self.project, self.service.name, self.service.candidate, self.seconds, token)
        except (UnreadError, OSError, ValueError, KeyError, StopIteration) as failure:
            self.effects.say(f"Monitoring does not tell how many requests were answered: {failure}")
            return 0, 0
