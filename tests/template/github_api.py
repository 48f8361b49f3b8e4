"""A small GitHub for the template's own scripts: pull requests, releases and their files, by its REST API."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class GitHub:
    """What it holds, and what it was asked to change."""

    def __init__(self) -> None:
        self.pulls: list[dict[str, Any]] = []
        self.releases: list[dict[str, Any]] = []
        self.changes: list[str] = []
        self.may_open_pulls = True
        self.fails: str = ""  # a change that is refused with status 500
        self.url = ""

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        """Return the status and the answer to a request."""
        path, _, query = path.removeprefix("/repos/owner/name").partition("?")
        if method != "GET":
            self.changes.append(f"{method} {path}")
        if self.fails and f"{method} {path}".startswith(self.fails):
            return 500, {"message": "a fault"}
        if path.startswith("/releases"):
            return self.of_releases(method, path, query, body)
        if path.startswith("/pulls"):
            return self.of_pulls(method, path, json.loads(body or b"{}"))
        return 204, None

    def of_pulls(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if method == "GET":
            return 200, self.pulls
        if method == "PATCH":
            self.pulls[0] |= body
            return 200, self.pulls[0]
        if not self.may_open_pulls:
            return 403, {"message": "GitHub Actions is not permitted to create or approve pull requests."}
        self.pulls.append(body | {"number": 7, "html_url": "https://example.org/pull/7"})
        return 201, self.pulls[0]

    def of_releases(self, method: str, path: str, query: str, body: bytes) -> tuple[int, Any]:
        if method == "GET":
            return 200, self.releases if "page=1" in query.split("&") else []
        if method == "DELETE":
            number = int(path.rpartition("/")[2])
            for release in self.releases:
                release["assets"] = [asset for asset in release["assets"] if asset["id"] != number]
            return 204, None
        if found := re.fullmatch(r"/releases/(\d+)/assets", path):
            release = self.releases[int(found[1]) - 1]
            asset = {
                "id": len(self.changes),
                "name": query.removeprefix("name="),
                "digest": f"sha256:{hashlib.sha256(body).hexdigest()}",
            }
            release["assets"] = [*release["assets"], asset]
            return 201, asset
        if method == "POST":
            number = len(self.releases) + 1
            upload = f"{self.url}/repos/owner/name/releases/{number}/assets{{?name,label}}"
            made = {"id": number, "html_url": f"https://example.org/{number}", "upload_url": upload, "assets": []}
            self.releases.append(made | json.loads(body))
            return 201, self.releases[-1]
        release = self.releases[int(path.rpartition("/")[2]) - 1]
        release |= json.loads(body)
        return 200, release


@contextmanager
def served() -> Iterator[GitHub]:
    """Serve it on the loopback."""
    github = GitHub()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            assert self.headers["Authorization"] == "Bearer t0ken"
            status, answer = github.answer(self.command, self.path, body)
            text = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    github.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield github
    finally:
        server.shutdown()
        server.server_close()
