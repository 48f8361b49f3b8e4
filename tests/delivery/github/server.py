"""The loopback server: git below /owner/name, the REST API below /api/v3."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from tests.delivery.github import (
    git_http,
    oidc,
    rest_actions,
    rest_pulls,
    rest_releases,
    rest_repository,
    routing,
    tokens,
)

if TYPE_CHECKING:
    from tests.delivery.github.github import GitHub

API = "/api/v3"
ENDPOINTS = (rest_actions, rest_pulls, rest_releases, rest_repository)  # imported, so that their routes are known
PAGE = 30


class Server:
    """Serves one GitHub until it is closed."""

    def __init__(self, github: GitHub) -> None:
        handler = type("Handler", (_Handler,), {"github": github})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    github: GitHub

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PATCH = do_PUT = do_DELETE = do_GET  # noqa: N815

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""

    def _serve(self) -> None:
        content = self._content()
        token = tokens.from_header(self.headers.get("Authorization", ""))
        holder = tokens.read(token)
        if self.path.startswith(API):
            self._api(self.path.removeprefix(API), content, holder)
        else:
            self._git(content, holder, given=bool(token))

    def _content(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        content = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return content

    def _git(self, content: bytes, holder: tokens.Holder | None, given: bool) -> None:
        owner, _, rest = self.path.lstrip("/").partition("/")
        name, _, rest = rest.partition("/")
        repository = self.github.repositories.get(f"{owner}/{name.removesuffix('.git')}")
        if repository is None or (given and holder is None):
            return self._say(401 if given and holder is None else 404, {"message": "Repository not found"})
        refusal = git_http.judge(holder, given, self.path, self.github.private)
        if refusal:
            return self._say(
                refusal.status, {"message": refusal.message}, dict([git_http.ASK]) if refusal.status == 401 else {}
            )
        if not rest.endswith("git-receive-pack") or self.command != "POST":
            return git_http.serve(self, repository, f"/{rest}", content, holder)
        assert holder is not None
        with self.github.lock:
            before = repository.refs()
            git_http.serve(self, repository, f"/{rest}", content, holder)
            self.github.received(repository, before, repository.refs(), holder)
        return None

    def _api(self, target: str, content: bytes, holder: tokens.Holder | None) -> None:
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query))
        if parts.path == "/oidc/token":
            return self._say(*oidc.answer(self.github, holder, query.get("audience", "")))
        within = f"/repos/{self.github.repository}"
        path = parts.path.removeprefix("/uploads")
        if not path.startswith(within):
            return self._say(404, {"message": f"Not Found (the fake GitHub knows no {parts.path})"})
        try:
            body = json.loads(content) if content and not parts.path.startswith("/uploads") else {}
        except ValueError:
            return self._say(400, {"message": "Problems parsing JSON"})
        wants_bytes = self.headers.get("Accept", "") == "application/octet-stream"
        below = path.removeprefix(within).rstrip("/")
        with self.github.lock:
            call = routing.Call(self.command, below, query, body, content, wants_bytes)
            status, told, headers = routing.answer(self.github, holder, call)
            self.github.calls.append((self.command, below, status))
        if isinstance(told, list) and "page" in query:
            size = int(query.get("per_page", PAGE))
            told = told[(int(query["page"]) - 1) * size :][:size]
        self._say(status, told, headers)
        return None

    def _say(self, status: int, told: Any, headers: dict[str, str] | None = None) -> None:
        text = told if isinstance(told, bytes) else b"" if status == 204 else json.dumps(told).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
