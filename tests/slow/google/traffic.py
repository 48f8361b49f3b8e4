"""The addresses of a service: one for the service, one for each tag; requests go to revisions by their share."""

from __future__ import annotations

import http.client
import random
import re
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .failures import Fault
from .revisions import Instance
from .tokens import why_refused

NUMBER = re.compile(rb"\d+\.\d+(?=[,\]}\s])")

Route = Callable[[], "tuple[str, Instance] | None"]  # the revision that is to answer, chosen anew for each request


class Address:
    """A port on the loopback that hands requests on to the revision that `route` picks."""

    def __init__(
        self,
        route: Route,
        audience: Callable[[], str],
        answered: Counter[tuple[str, str]],
        fault: Callable[[str], Fault | None],
    ) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                token = self.headers.get("X-Serverless-Authorization") or self.headers.get("Authorization")
                if refused := why_refused(token, audience()):
                    return self.answer(refused[0], refused[1].encode())
                if (chosen := route()) is None:
                    return self.answer(503, b"no revision takes traffic")
                name, instance = chosen
                ordered = fault(name) if self.path == "/predict" else None
                if ordered == "error":
                    status, answer, kind = 500, b'{"detail": "ordered by a test"}', "application/json"
                else:
                    status, answer, kind = self.hand_on(instance, body)
                if ordered == "wrong":
                    answer = NUMBER.sub(b"0.125", answer)
                answered[name, f"{status // 100}xx"] += 1
                return self.answer(status, answer, kind)

            def hand_on(self, instance: Instance, body: bytes) -> tuple[int, bytes, str]:
                kept = {
                    name: value for name, value in self.headers.items() if name.lower() != "x-serverless-authorization"
                }
                connection = http.client.HTTPConnection("127.0.0.1", instance.port, timeout=60)
                try:
                    connection.request(self.command, self.path, body, kept)
                    reply = connection.getresponse()
                    return reply.status, reply.read(), reply.headers.get("Content-Type", "text/plain")
                except (OSError, http.client.HTTPException) as failure:
                    return 503, str(failure).encode(), "text/plain"
                finally:
                    connection.close()

            def answer(self, status: int, body: bytes, kind: str = "text/plain") -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_any  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def pick(shares: list[tuple[str, int]]) -> str | None:
    """Return one of the names, each as often as its share says; None when nothing has a share."""
    names = [name for name, share in shares if share > 0]
    return random.choices(names, [share for _, share in shares if share > 0])[0] if names else None
