"""Authorization: if the service has API keys, a request to any path must send one, unless the path is public."""

import hmac
from collections.abc import Collection

from starlette.types import ASGIApp, Receive, Scope, Send

from cd4ml.serving.key_digests import digest
from cd4ml.serving.problem import problem
from cd4ml.serving.request import header, route_path

_SCHEME = b"bearer "
_READING = {"GET", "HEAD", "OPTIONS"}


class RequireKey:
    """Middleware that passes on the requests with one of the keys, and those that read a public path."""

    def __init__(self, app: ASGIApp, digests: Collection[bytes], public_paths: Collection[str]) -> None:
        self._app, self._digests, self._public_paths = app, tuple(digests), frozenset(public_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request: 401 without a key, before its body is read."""
        fault = None if scope["type"] == "lifespan" or self._is_public(scope) else self._fault(scope)
        if fault is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            detail = f'the key {fault}; send the header "Authorization: Bearer KEY"'
            await problem(scope, 401, detail, {"WWW-Authenticate": "Bearer"})(scope, receive, send)
        else:  # a WebSocket
            await send({"type": "websocket.close", "code": 1008})

    def _is_public(self, scope: Scope) -> bool:
        """Return whether a request reads a public path, which are written without the proxy's prefix."""
        if scope.get("method") not in _READING:
            return False
        return route_path(scope) in self._public_paths

    def _fault(self, scope: Scope) -> str | None:
        """Return what is wrong with a request's key, in a time that does not depend on the key; None if it is valid."""
        value = header(scope, b"authorization") or b""
        key = value[len(_SCHEME) :].strip() if value.lower().startswith(_SCHEME) else b""
        sent = digest(key)
        matches = [hmac.compare_digest(sent, expected) for expected in self._digests]
        if any(matches):
            return None
        return "is not one of this service's" if value else "is missing"
