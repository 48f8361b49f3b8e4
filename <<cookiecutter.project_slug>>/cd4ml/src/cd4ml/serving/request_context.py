"""What is the same for every request: id, trace, the proxy's prefix, headers of its response, a line in the log."""

import re
from collections.abc import Mapping
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cd4ml.prediction_log.record import KIND_HEADER, KINDS
from cd4ml.serving.request_log import RequestLog
from cd4ml.serving.security_headers import ResponseHeaders
from cd4ml.serving.trace_context import Trace, continued, new_trace, valid_tracestate

_VALID_ID = re.compile(rb"[\x21-\x7e]{1,128}")
_KIND = KIND_HEADER.lower().encode()
_READ = frozenset({b"x-request-id", _KIND, b"traceparent", b"tracestate"})
_KINDS = {kind.encode(): kind for kind in KINDS}


class RequestContext:
    """Middleware that identifies each request, adds headers to its response, and records it in the log.

    It leaves `request_id`, `trace`, `tracestate` and `client_kind` in the scope.
    """

    def __init__(
        self, app: ASGIApp, root_path: str, model_headers: Mapping[str, str], log: RequestLog | None = None
    ) -> None:
        self._app, self._root_path, self._log = app, root_path, log
        self._predict = f"{root_path}/predict"
        self._headers = ResponseHeaders(model_headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        began = scope.get("began") or perf_counter()
        if self._root_path:
            _set_prefix(scope, self._root_path)
        _identify(scope)
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._complete(scope, message)
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            if self._log is not None and scope["type"] == "http":
                self._log.record(scope, status, perf_counter() - began)

    def _complete(self, scope: Scope, start: Message) -> None:
        """Add headers to the start of a response."""
        headers = start.get("headers", [])
        own = self._headers.data if scope["path"] == self._predict else self._headers.missing(headers)
        trace: Trace = scope["trace"]
        added = [(b"x-request-id", scope["request_id"].encode()), (b"traceparent", trace.traceparent)]
        if scope["tracestate"] is not None:
            added.append((b"tracestate", scope["tracestate"]))
        start["headers"] = [*headers, *added, *own]


def _set_prefix(scope: Scope, root_path: str) -> None:
    """Write path and prefix as ASGI defines them, whether the proxy removed the prefix from the path or not."""
    path = scope["path"].removeprefix(root_path) if f"{scope['path']}/".startswith(f"{root_path}/") else scope["path"]
    scope["path"], scope["root_path"] = root_path + (path or "/"), root_path


def _identify(scope: Scope) -> None:
    """Leave in the scope which request it is: by its headers as far as they are valid, else by new ids."""
    request_id = kind = trace = tracestate = None
    parents, states = [], []
    for name, value in scope["headers"]:
        if name not in _READ:
            continue
        if name == b"traceparent":
            parents.append(value)
        elif name == b"tracestate":
            states.append(value)
        elif name == _KIND:
            kind = value
        elif request_id is None:
            request_id = value
    if len(parents) == 1:
        trace = continued(parents[0])
    if trace is None:
        trace = new_trace()
    elif states:
        tracestate = valid_tracestate(states)
    valid = request_id is not None and _VALID_ID.fullmatch(request_id)
    scope["request_id"] = request_id.decode() if request_id and valid else trace.trace_id
    scope["trace"], scope["tracestate"] = trace, tracestate
    scope["client_kind"] = _KINDS.get(kind, "user") if kind else "user"
