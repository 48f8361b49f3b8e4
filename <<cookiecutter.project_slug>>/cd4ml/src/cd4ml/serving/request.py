"""What is the same for every request: an id, the proxy's prefix, headers that name the model, checks of its body."""

import re
from collections.abc import Mapping
from random import getrandbits

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cd4ml.serving.error_format import ClientDisconnectedError

_VALID_ID = re.compile(rb"[\x21-\x7e]{1,128}")


class RequestContext:
    """Middleware that gives each request an id and the service's prefix, and adds headers to each response."""

    def __init__(self, app: ASGIApp, root_path: str, response_headers: Mapping[str, str]) -> None:
        self._app, self._root_path = app, root_path
        self._response_headers = [(name.encode(), value.encode()) for name, value in response_headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope["request_id"] = request_id.decode()
        if self._root_path:
            _set_prefix(scope, self._root_path)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = [(b"x-request-id", request_id), *self._response_headers]
                message["headers"] = [*message.get("headers", ()), *added]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _set_prefix(scope: Scope, root_path: str) -> None:
    """Write path and prefix as ASGI defines them, whether the proxy removed the prefix from the path or not."""
    path = scope["path"].removeprefix(root_path) if f"{scope['path']}/".startswith(f"{root_path}/") else scope["path"]
    scope["path"], scope["root_path"] = root_path + (path or "/"), root_path


def _request_id(scope: Scope) -> bytes:
    """Return the client's X-Request-ID if it is 1 to 128 visible ASCII characters, else a new id."""
    client_id = header(scope, b"x-request-id")
    if client_id is not None and _VALID_ID.fullmatch(client_id):
        return client_id
    return b"%032x" % getrandbits(128)


def header(scope: Scope, name: bytes) -> bytes | None:
    """Return the value of the first header with this name, which must be in lower case; None if there is none."""
    value: bytes
    for key, value in scope["headers"]:
        if key == name:
            return value
    return None


def check_media_type(scope: Scope) -> None:
    """Check that the headers declare the body as JSON.

    Raises:
        HTTPException: 415, they declare something else, or nothing, or that it is compressed.
    """
    media_type = header(scope, b"content-type") or b""
    if media_type != b"application/json" and not _is_json(media_type.decode("latin-1")):
        fault = f'is "{media_type.decode("latin-1")[:100]}"' if media_type else "is missing"
        raise HTTPException(415, f'the media type {fault}; send the header "Content-Type: application/json"')
    encoding = header(scope, b"content-encoding")
    if encoding not in (None, b"", b"identity"):
        raise HTTPException(415, "the body is compressed; send it uncompressed, without Content-Encoding")


def _is_json(media_type: str) -> bool:
    kind, *parameters = (part.strip().lower() for part in media_type.split(";"))
    if kind != "application/json" and re.fullmatch(r"[\w.-]+/[\w.-]+\+json", kind) is None:
        return False
    pairs = (parameter.partition("=") for parameter in parameters)
    charsets = {value.strip(' "') for key, _, value in pairs if key == "charset"}
    return charsets <= {"utf-8", "utf8"}


async def read_body(scope: Scope, receive: Receive, max_bytes: int) -> bytes:
    """Return a request's body.

    Raises:
        HTTPException: 413, it is longer than `max_bytes`, by its Content-Length or by what was received so far.
        ClientDisconnectedError: the client closed the connection.
    """
    length = header(scope, b"content-length")
    if length is not None and length.isdigit() and int(length[:20]) > max_bytes:
        raise _too_large(max_bytes)
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnectedError
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > max_bytes:
            raise _too_large(max_bytes)
        more = message.get("more_body", False)
    return b"".join(parts)


def _too_large(max_bytes: int) -> HTTPException:
    return HTTPException(413, f"the body is larger than {max_bytes:,} bytes; send fewer rows at once")
