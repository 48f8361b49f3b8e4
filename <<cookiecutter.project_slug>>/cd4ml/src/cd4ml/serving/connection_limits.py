"""The limits of all connections together, and a look at each of them once a second."""

import logging
from time import perf_counter
from typing import TYPE_CHECKING

from cd4ml.serving.service_settings import ServiceSettings

if TYPE_CHECKING:
    from cd4ml.serving.http_protocol import LimitedProtocol

log = logging.getLogger(__name__)


class ConnectionLimits:
    """The connections of the service, how many requests wait, and the limits of both."""

    def __init__(self, settings: ServiceSettings) -> None:
        self.most_connections, self.most_waiting = settings.max_connections, settings.max_waiting
        self._seconds = settings.request_timeout
        self.connections: set[LimitedProtocol] = set()
        self.waiting = 0
        """Requests that are complete and not answered."""

    async def enforce(self) -> None:
        """Close the connections whose clients are too slow; if there are too many, also those that are idle."""
        now, late = perf_counter(), 0
        crowded = len(self.connections) >= self.most_connections
        for connection in list(self.connections):
            late += connection.close_if_late(now, self._seconds)
            if crowded and connection.is_idle():
                connection.transport.close()
        if late:
            log.warning("closed %d connections whose clients took longer than %d s", late, self._seconds)
