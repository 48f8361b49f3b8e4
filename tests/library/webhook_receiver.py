"""A server on this machine that takes what is posted to the webhooks of Slack and Teams."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "T000-B000-geheimnis"


class Receiver:
    """A receiver: what came, by path, and how it answers."""

    def __init__(self) -> None:
        self.bodies: list[tuple[str, Any]] = []
        self.statuses: list[int] = []
        """What to answer with, one after the other; 200 once there are none left."""
        self.seconds = 0.0
        """How long an answer takes."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def slack(self) -> str:
        """The secret address of Slack's webhook."""
        return f"{self.address}/slack/{SECRET}"

    @property
    def teams(self) -> str:
        """The secret address of the one of Teams."""
        return f"{self.address}/teams/{SECRET}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                assert self.headers["Content-Type"] == "application/json"
                receiver.bodies.append((self.path.split("/")[1], body))
                time.sleep(receiver.seconds)
                status = receiver.statuses.pop(0) if receiver.statuses else 200
                self.send_response(status)
                if status in (301, 302, 307, 308):
                    self.send_header("Location", f"{receiver.address}/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        return Handler
