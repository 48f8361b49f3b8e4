"""Read a request: its headers, and its body within limits."""

import re

from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope

from cd4ml.serving.error_format import ClientDisconnectedError
from cd4ml.serving.limits import overload


def header(scope: Scope, name: bytes) -> bytes | None:
    """Return the value of the first header with this name, which must be in lower case; None if there is none."""
    value: bytes
    for key, value in scope["headers"]:
        if key == name:
            return value
    return None


def route_path(scope: Scope) -> str:
    """Return a request's path without the proxy's prefix, as routes are written."""
    path: str = scope["path"]
    root = scope.get("root_path", "")
    return path[len(root) :] if root and path.startswith(f"{root}/") else path


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
        HTTPException: 413, it is longer than `max_bytes`, by its Content-Length or by what was received so far; 408, it
            is not complete in time; or 503, other requests are waiting already.
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
        if more and "late" in scope:
            raise HTTPException(408, "the body was not complete in time; send it again", {"Connection": "close"})
    if "overloaded" in scope:  # marked when the last part of the body arrived
        raise overload(scope["overloaded"])
    return b"".join(parts)


def _too_large(max_bytes: int) -> HTTPException:
    return HTTPException(413, f"the body is larger than {max_bytes:,} bytes; send fewer rows at once")
