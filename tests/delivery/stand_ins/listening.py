"""A server on loopback that answers an API's requests, with TLS where it is given a context."""

from __future__ import annotations

import json
import ssl
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """What was asked, as it came."""

    method: str
    address: str
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        """The body, where it is JSON; None where it is not."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(frozen=True)
class Reply:
    """What is answered."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)

    @classmethod
    def of(cls, told: Any, status: int = 200, kind: str = "application/json", **headers: str) -> Reply:
        """JSON, and further headers whose names have `_` for `-`."""
        more = ((name.replace("_", "-"), value) for name, value in headers.items())
        return cls(status, json.dumps(told).encode(), (("Content-Type", kind), *more))


class Listener:
    """Answers until `close`, each request in a thread of its own."""

    def __init__(self, answer: Callable[[Request], Reply], tls: ssl.SSLContext | None = None) -> None:
        self._server = _Server(("127.0.0.1", 0), _handler(answer))
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that was killed while it waited."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, ssl.SSLError)):
            super().handle_error(request, client_address)


def _handler(answer: Callable[[Request], Reply]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            reply = answer(Request(self.command, self.path, self.headers, body))
            self.send_response(reply.status)
            for name, value in reply.headers:
                self.send_header(name, value)
            if not any(
                name.lower() == "content-length" for name, _ in reply.headers
            ):  # of a HEAD: what a GET would have
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = handle_any  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
