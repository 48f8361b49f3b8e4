"""The limits of all connections together, and a look at each of them once a second."""

from time import perf_counter
from typing import TYPE_CHECKING

from cd4ml.serving.refusals import Refusals
from cd4ml.serving.service_settings import ServiceSettings

if TYPE_CHECKING:
    from cd4ml.serving.http_protocol import LimitedProtocol


class ConnectionLimits:
    """The connections of the service, how many requests wait, the limits of both, and what was refused."""

    def __init__(self, settings: ServiceSettings, refusals: Refusals) -> None:
        self.refusals = refusals
        self.most_connections, self.most_waiting = settings.max_connections, settings.max_waiting
        self._seconds = settings.request_timeout
        self.connections: set[LimitedProtocol] = set()
        self.waiting = 0
        """Requests that are complete and not answered."""

    async def enforce(self) -> None:
        """Close the connections whose clients are too slow; if there are too many, also those that are idle."""
        now = perf_counter()
        crowded = len(self.connections) >= self.most_connections
        for connection in list(self.connections):
            connection.close_if_late(now, self._seconds)
            if crowded and connection.is_idle():
                connection.close_because("idle")
        self.refusals.end_second()
