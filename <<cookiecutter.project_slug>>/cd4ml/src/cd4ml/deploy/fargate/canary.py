"""Judge a candidate on Fargate by what ECS makes of it, whose alarms watch its share of the traffic."""

from collections.abc import Callable

from cd4ml.deploy.fargate.service import Service
from cd4ml.deploy.platform import Judge
from cd4ml.deploy.release import check_candidate


class Alarms(Judge):
    """Looks at the service by `look`, and tells `progress` of what it saw."""

    def __init__(
        self, service: Service, seconds: int, look: Callable[[str], Service], progress: Callable[[Service], None]
    ) -> None:
        self.environment, self.candidate, self.seconds = service.environment, service.candidate, seconds
        self._look, self._progress = look, progress

    def look(self) -> str:
        """Look whether ECS has given it all traffic.

        Raises:
            CloudError: it has taken it back, or another deploy has taken over.
        """
        service = self._look(self.environment)
        check_candidate(service, self.candidate)
        self._progress(service)
        if service.deployment.state == "SUCCESSFUL" or service.deployment.share >= 100:
            return "has left its canary stage: ECS gives it all traffic, and no alarm went off"
        return ""

    def verdict(self, probes: int, rounds: int) -> str:
        """Say that ECS has not decided."""
        stays = f"answers, and is in its canary stage still after {self.seconds} seconds"
        return f"{stays}: promote waits for what ECS says"
