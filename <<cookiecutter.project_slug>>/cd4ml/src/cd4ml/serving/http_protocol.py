"""Limits of connections that uvicorn lacks: how long a request may take to arrive, its headers, connections, the queue.

It counts the requests that have arrived and are not answered, which only the protocol can see: the event loop reads
what all connections have sent before it answers any of it.
"""

import asyncio
import logging
from time import perf_counter
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from cd4ml.serving.connection_limits import ConnectionLimits
from cd4ml.serving.raw_response import raw_problem

MOST_HEADERS = 100
LONGEST_HEAD = 64 * 1024
"""Bytes of a request's first line and headers; up to one read from the socket more may be accepted."""
SPARE_CONNECTIONS = 50
"""Connections beyond the limit, on which only health checks are answered; more are closed at once."""

_STATUS = {"not_http": 400, "late": 408, "headers": 431, "crowded": 503}  # by the reason of a refusal
# In place of uvicorn's own: a client could fill the log with its warnings, which `refusals` writes in their place.
_ERRORS = logging.getLogger(__name__)
_ERRORS.setLevel(logging.ERROR)


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's protocol for one connection, within limits.

    It leaves in the scope of a request `began`, when its first byte was read, in seconds of `perf_counter`; `late`, if
    its body is not complete in time; and `overloaded`, if it is to be answered with 503, with the reason.
    """

    def __init__(self, *arguments: Any, limits: ConnectionLimits, **others: Any) -> None:
        super().__init__(*arguments, **others)
        self.logger = _ERRORS
        self._limits = limits
        self._owed_since: float | None = None  # since when the client is to send the rest of a request
        self._unread_since: float | None = None  # since when it is to read what was sent
        self._closing_since: float | None = None
        self._in_head, self._head_bytes, self._fault = True, 0, "not_http"
        self._bodiless_bytes = 0  # of a request whose head is complete: what came since the last piece of its body
        self._unanswered = 0  # complete requests
        self._answered_now: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin a connection, unless there are too many."""
        super().connection_made(transport)
        self._owed_since = perf_counter()
        self._limits.connections.add(self)
        if len(self._limits.connections) > self._limits.most_connections + SPARE_CONNECTIONS:
            self._refuse("crowded")

    def connection_lost(self, exc: Exception | None) -> None:
        """End a connection."""
        self._limits.connections.discard(self)
        self._limits.waiting -= self._unanswered
        self._unanswered = 0
        if self._answered_now is not None:  # uvicorn marks the newest, and would write on for an older one
            self._answered_now.disconnected = True
            self._answered_now.message_event.set()
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answered_now = cycle
        super()._start_asgi_task(cycle, app)

    def data_received(self, data: bytes) -> None:
        """Parse what the client has sent."""
        if self._owed_since is None:
            self._owed_since = perf_counter()
        self._bodiless_bytes += len(data)
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > LONGEST_HEAD and not self.transport.is_closing():
                self._refuse("headers")
        elif self._bodiless_bytes > LONGEST_HEAD and not self.transport.is_closing():
            self._refuse_trailers()

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0
        self._owed_since = self.scope["began"] = perf_counter()  # type: ignore[typeddict-unknown-key]

    def on_headers_complete(self) -> None:
        """Start to answer a request; uvicorn refuses it if this raises an exception.

        Raises:
            ValueError: it has too many headers.
        """
        self._in_head = False
        if len(self.headers) > MOST_HEADERS:
            self._fault = "headers"
            raise ValueError(f"more than {MOST_HEADERS} headers")
        super().on_headers_complete()
        self._bodiless_bytes, self.headers = 0, []  # trailers are none of the request's headers, as RFC 9110 requires

    def on_body(self, body: bytes) -> None:
        """Take a piece of a request's body."""
        self._bodiless_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Count a request that is complete, and mark it if too many are."""
        super().on_message_complete()
        self._bodiless_bytes = 0
        if self.cycle.response_complete:  # uvicorn's timer of idle connections ended when this arrived
            self._owed_since = perf_counter()
            return
        self._owed_since = None
        limits = self._limits
        self._unanswered += 1
        limits.waiting += 1
        if limits.waiting > limits.most_waiting:
            self.scope["overloaded"] = "requests"  # type: ignore[typeddict-unknown-key]
        elif len(limits.connections) > limits.most_connections:
            self.scope["overloaded"] = "connections"  # type: ignore[typeddict-unknown-key]

    def on_response_complete(self) -> None:
        """Go on with the connection's next request."""
        if self._unanswered:
            self._unanswered -= 1
            self._limits.waiting -= 1
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Note that the client does not read."""
        self._unread_since = perf_counter()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Note that the client reads again."""
        self._unread_since = None
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not valid HTTP, or has too many headers."""
        self._refuse(self._fault)

    def is_idle(self) -> bool:
        """Return whether the last request was answered, and no other has begun."""
        waits = self._owed_since is None and self.cycle is not None and self.cycle.response_complete
        return waits and not self.transport.is_closing()

    def close_because(self, reason: str) -> None:
        """Close the connection when what was written is sent."""
        self._limits.refusals.add(reason)
        self.transport.close()

    def close_if_late(self, now: float, seconds: float) -> None:
        """Close the connection if the client has let it wait for longer than `seconds`.

        If only a body is missing, its request is marked as late first, so that it gets an answer.
        """
        if self.transport.is_closing():
            self._closing_since = self._closing_since or now
            if now - self._closing_since > seconds:
                self._abort()
            return
        if self._unread_since is not None and now - self._unread_since > seconds:
            self._abort()
            return
        if self._owed_since is None or now - self._owed_since <= seconds or self.pipeline:
            return
        if self._in_head and self.cycle is not None and not self.cycle.response_complete:
            return  # its last request is still being answered
        if not self._in_head and not self.cycle.response_complete and "late" not in self.scope:
            self.scope["late"] = True  # type: ignore[typeddict-unknown-key]
            self.cycle.message_event.set()
        elif self._in_head and self._head_bytes:
            self._refuse("late")
        else:
            self.close_because("silent" if self._in_head else "late")

    def _refuse_trailers(self) -> None:
        """Refuse what is no body, such as endless trailers, which would be kept until the request is complete."""
        if self.cycle.response_started:
            self.close_because("headers")
        else:
            self._refuse("headers")

    def _refuse(self, reason: str) -> None:
        self.transport.write(raw_problem(_STATUS[reason]))
        self.close_because(reason)

    def _abort(self) -> None:
        self._limits.refusals.add("unread")
        self.transport.abort()
