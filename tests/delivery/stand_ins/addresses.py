"""An address on the loopback that hands requests on to the container that is to answer, by shares of traffic."""

from __future__ import annotations

import http.client
import random
import re
import ssl
import threading
from collections import Counter
from collections.abc import Callable
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .containers import Container
from .failures import Fault

OUR_OWN = {"connection", "content-length", "date", "server", "transfer-encoding"}  # headers of this address itself
NUMBER = re.compile(rb"\d+\.\d+(?=[,\]}\s])")

Route = Callable[[], "tuple[str, Container] | None"]  # the revision that is to answer, chosen anew for each request
Refuse = Callable[[Message], "tuple[int, str] | None"]  # status and reason, by the request's headers


def _refuses_nobody(_: Message) -> None:
    return None


class Address:
    """A port on the loopback, with TLS where it is given a context.

    `answered` counts (revision, class of status code), as a cloud's own monitoring does.
    """

    def __init__(
        self,
        route: Route,
        answered: Counter[tuple[str, str]],
        fault: Callable[[str], Fault | None],
        refuse: Refuse = _refuses_nobody,
        kept_back: str = "",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if refused := refuse(self.headers):
                    return self.answer(refused[0], refused[1].encode(), {})
                if (chosen := route()) is None:
                    return self.answer(503, b"no revision takes traffic", {})
                name, container = chosen
                ordered = fault(name) if self.path == "/predict" else None
                told: dict[str, str] = {}
                if ordered == "error":
                    status, answer = 500, b'{"detail": "ordered by a test"}'
                else:
                    status, answer, told = self.hand_on(container, body)
                if ordered == "wrong":
                    answer = NUMBER.sub(b"0.125", answer)
                answered[name, f"{status // 100}xx"] += 1
                return self.answer(status, answer, told)

            def hand_on(self, container: Container, body: bytes) -> tuple[int, bytes, dict[str, str]]:
                kept = {name: value for name, value in self.headers.items() if name.lower() != kept_back}
                connection = http.client.HTTPConnection("127.0.0.1", container.port, timeout=60)
                try:
                    connection.request(self.command, self.path, body, kept)
                    reply = connection.getresponse()
                    told = {name: value for name, value in reply.headers.items() if name.lower() not in OUR_OWN}
                    return reply.status, reply.read(), told
                except (OSError, http.client.HTTPException) as failure:
                    return 503, str(failure).encode(), {}
                finally:
                    connection.close()

            def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_any  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def pick(shares: list[tuple[str, int]]) -> str | None:
    """Return one of the names, each as often as its share says; None when nothing has a share."""
    names = [name for name, share in shares if share > 0]
    return random.choices(names, [share for _, share in shares if share > 0])[0] if names else None
