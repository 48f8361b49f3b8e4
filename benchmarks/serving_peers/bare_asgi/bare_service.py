"""A floor: an ASGI application that reads the body and returns a constant, without a framework."""

from typing import Any

HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"23")]


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer every request alike."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": b'{"probabilities":[0.5]}'})
