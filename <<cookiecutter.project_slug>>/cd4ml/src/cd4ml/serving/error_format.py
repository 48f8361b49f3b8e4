"""One form of errors for every route: exceptions, and errors of mounted applications, become problem documents."""

import json
import logging
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cd4ml.serving.problem import FAILED, MEDIA_TYPE, problem, problem_of

log = logging.getLogger(__name__)

_LONGEST = 64 * 1024  # bytes of an error's body that are read
_REPLACED = {b"content-type", b"content-length", b"content-encoding"}


class ClientDisconnectedError(Exception):
    """The client closed the connection before its request was complete."""


class ErrorFormat:
    """Middleware that returns each error as a problem document, whatever route it comes from."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, other = False, None

        async def send_formatted(message: Message) -> None:
            nonlocal started, other
            if message["type"] == "http.response.start":
                if message["status"] >= 400 and not _is_problem(message):
                    other = _OtherError(message)
                    return
                started = True
            if other is None:
                await send(message)
            elif other.is_complete_with(message):
                started = True
                await other.as_problem(scope)(scope, receive, send)

        try:
            await self._app(scope, receive, send_formatted)
        except ClientDisconnectedError:
            pass
        except Exception:
            path = scope["path"].encode("unicode_escape").decode()  # a client writes no lines of its own into the log
            log.exception("request %s: %s %s failed", scope["request_id"], scope["method"], path)
            if not started:
                await problem(scope, 500, FAILED)(scope, receive, send)


class _OtherError:
    """An error response in another form, while its body is received."""

    def __init__(self, start: Message) -> None:
        self._status, self._headers, self._body = start["status"], list(start.get("headers", ())), bytearray()

    def is_complete_with(self, message: Message) -> bool:
        """Add a part of the body; return whether it is the last."""
        if message["type"] != "http.response.body":
            return False
        self._body += message.get("body", b"")[: _LONGEST - len(self._body)]
        return not message.get("more_body", False)

    def as_problem(self, scope: Scope) -> Any:
        """Return the response in its place: its status and its headers, and what its body says unless it is a 500."""
        headers = [(name, value) for name, value in self._headers if name.lower() not in _REPLACED]
        response = problem(scope, 500, FAILED) if self._status == 500 else problem_of(scope, self._status, self._said())
        response.raw_headers.extend(headers)
        return response

    def _said(self) -> Any:
        """Return the body's `detail`, as FastAPI writes it, or all of its JSON; its text; or None if it has none."""
        text = bytes(self._body).decode("utf-8", "replace").strip()
        media_type = next((value for name, value in self._headers if name.lower() == b"content-type"), b"")
        if b"json" in media_type:
            try:
                content = json.loads(text)
            except ValueError:
                return None
            return content.get("detail", content) if isinstance(content, dict) else content
        return text if text and media_type.startswith(b"text/plain") else None


def _is_problem(start: Message) -> bool:
    problem_type = MEDIA_TYPE.encode()
    return any(name == b"content-type" and value == problem_type for name, value in start.get("headers", ()))
