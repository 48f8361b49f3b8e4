"""Responses that the protocol sends by itself, before there is a request for the application."""

from http.client import responses

import msgspec

_DETAILS = {
    400: "this is not a valid HTTP request",
    408: "the request was not complete in time; send it again",
    431: "the headers are too many, or too long",
    503: "too many connections are open; try again later",
}


def raw_problem(status: int) -> bytes:
    """Return a problem document as it is sent, with the headers of every response, before the connection is closed."""
    return _RAW[status]


def _response(status: int, detail: str) -> bytes:
    title = responses[status]
    body = msgspec.json.encode({"type": "about:blank", "title": title, "status": status, "detail": detail})
    head = [
        f"HTTP/1.1 {status} {title}",
        "content-type: application/problem+json",
        f"content-length: {len(body)}",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "content-security-policy: default-src 'none'; frame-ancestors 'none'",
        "cache-control: no-store",
        "connection: close",
        *(["retry-after: 1"] if status == 503 else []),
        "\r\n",
    ]
    return "\r\n".join(head).encode() + body


_RAW = {status: _response(status, detail) for status, detail in _DETAILS.items()}
