"""GitHub's API as far as these tests need it: what is posted to a list is in that list."""

import json
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

REPOSITORY = "ada/houses"


class GitHubServer:
    """A repository that remembers what was asked of it."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, Any]] = []
        self.tokens: set[str] = set()
        self.lists: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.fixed: dict[str, Any] = {}
        """Answers that are what they are: runs of workflows, and the like."""
        self.refusals: dict[str, list[tuple[int, str]]] = {}
        """By method and path: statuses and messages to answer with, one after the other."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def asked(self, method: str) -> list[str]:
        """The paths of a method's calls."""
        return [path for called, path, _ in self.calls if called == method]

    def answer(self, method: str, path: str, query: dict[str, str], content: bytes) -> tuple[int, Any]:
        name = path.removeprefix(f"/repos/{REPOSITORY}").strip("/")
        body = json.loads(content) if content.startswith(b"{") else content
        self.calls.append((method, name, body))
        if refusals := self.refusals.get(f"{method} {name}"):
            status, message = refusals.pop(0)
            return status, {"message": message}
        if name in self.fixed:
            return 200, self.fixed[name]
        folder, _, last = name.rpartition("/")
        if method == "POST":
            return self._created(name, query, body)
        if folder == "releases/assets":
            return self._asset(method, int(last))
        if folder == "releases/tags":
            found = [one for one in self.lists["releases"] if one["tag_name"] == last]
            return (200, found[0]) if found else (404, {"message": "Not Found"})
        if folder in self.lists and last.isdigit():
            (one,) = (one for one in self.lists[folder] if one["id"] == int(last))
            one.update(body if method == "PATCH" else {})
            return 200, one
        if method == "DELETE":
            return 204, None
        asked = {key: value for key, value in query.items() if key in ("state", "environment", "sha")}
        return 200, [one for one in self.lists[name] if all(one.get(key) == value for key, value in asked.items())]

    def _created(self, name: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if name.endswith("/assets"):
            (release,) = (one for one in self.lists["releases"] if one["id"] == int(name.split("/")[1]))
            self.lists["assets"].append({"content": body})
            release["assets"].append({"id": len(self.lists["assets"]), "name": query["name"]})
            return 201, release["assets"][-1]
        if name.endswith("/dispatches"):
            return 204, None
        number = len(self.lists[name]) + 1
        made = {"id": number, "number": number, "html_url": f"{self.address}/{name}/{number}", "state": "open", **body}
        if name == "releases":
            made |= {"assets": [], "upload_url": f"{self.address}/repos/{REPOSITORY}/releases/{number}/assets{{?name}}"}
        if name == "deployments":
            made["sha"] = body["ref"]
        self.lists[name].append(made)
        return 201, made

    def _asset(self, method: str, number: int) -> tuple[int, Any]:
        return 200, self.lists["assets"][number - 1]["content"]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def _any(self) -> None:
                parts = urlsplit(self.path)
                server.tokens.add(self.headers.get("Authorization", ""))
                content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, said = server.answer(self.command, parts.path, dict(parse_qsl(parts.query)), content)
                text = b"" if said is None else said if isinstance(said, bytes) else json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _any  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        return Handler
