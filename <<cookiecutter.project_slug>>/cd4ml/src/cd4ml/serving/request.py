"""What holds for every request: its id and the model's version go back, and no failure leaves without an answer."""

import logging
import os
import re
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cd4ml.serving.problem import problem

log = logging.getLogger(__name__)

_SANE_ID = re.compile(rb"[\x21-\x7e]{1,128}")


class ClientGoneError(Exception):
    """The client hung up before its request was whole."""


class Requests:
    """Middleware that gives each request its id, and turns what nobody handled into a 500.

    `served_by` are headers of every answer.
    """

    def __init__(self, app: ASGIApp, served_by: Mapping[str, str]) -> None:
        self._app = app
        self._served_by = [(name.encode(), value.encode()) for name, value in served_by.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope["request_id"] = request_id.decode()
        started = False

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                own = [(b"x-request-id", request_id), *self._served_by]
                message["headers"] = [*message.get("headers", ()), *own]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except ClientGoneError:
            pass
        except Exception:
            log.exception("request %s: %s %s failed", scope["request_id"], scope["method"], scope["path"])
            if not started:
                failed = problem(scope, 500, "the service failed to answer; its log says why, by this request id")
                await failed(scope, receive, send_with_id)


def _request_id(scope: Scope) -> bytes:
    """Return the client's X-Request-ID where it is sane (1 to 128 visible ASCII characters), else a new one."""
    told = header(scope, b"x-request-id")
    return told if told is not None and _SANE_ID.fullmatch(told) else os.urandom(16).hex().encode()


def header(scope: Scope, name: bytes) -> bytes | None:
    """Return the first header of a name, in lower case."""
    found: Any = next((value for key, value in scope["headers"] if key == name), None)
    return None if found is None else bytes(found)


def check_media_type(scope: Scope) -> None:
    """Check that the body says it is JSON.

    Raises:
        HTTPException: 415, it says something else, or nothing.
    """
    told = header(scope, b"content-type") or b""
    if told != b"application/json" and not _is_json(told.decode("latin-1")):
        what = f'"{told.decode("latin-1")[:100]}"' if told else "not said"
        raise HTTPException(415, f'the media type is {what}; send the header "Content-Type: application/json"')
    encoding = header(scope, b"content-encoding")
    if encoding not in (None, b"", b"identity"):
        raise HTTPException(415, "the body is compressed; send it as it is, without Content-Encoding")


def _is_json(media_type: str) -> bool:
    kind, *parameters = (part.strip().lower() for part in media_type.split(";"))
    charsets = [value.strip(' "') for key, _, value in (told.partition("=") for told in parameters) if key == "charset"]
    return (kind == "application/json" or re.fullmatch(r"[\w.-]+/[\w.-]+\+json", kind) is not None) and set(
        charsets
    ) <= {"utf-8", "utf8"}


async def read_body(scope: Scope, receive: Receive, most: int) -> bytes:
    """Return a request's body.

    Raises:
        HTTPException: 413, it is longer than `most` bytes, by its Content-Length or once so much has come.
        ClientGoneError: the client hung up.
    """
    length = header(scope, b"content-length")
    if length is not None and length.isdigit() and int(length[:20]) > most:
        raise _too_large(most)
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            raise _too_large(most)
        more = message.get("more_body", False)
    return b"".join(parts)


def _too_large(most: int) -> HTTPException:
    return HTTPException(413, f"the body is larger than {most:,} bytes; send fewer rows at once")
