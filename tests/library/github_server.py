"""A stand-in for GitHub's REST API, as far as these tests need it: what is posted to a list is in that list."""

import json
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

REPOSITORY = "ada/houses"


class GitHubServer:
    """A repository on GitHub that records every request."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, Any]] = []
        self.tokens: set[str] = set()
        self.lists: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.fixed: dict[str, Any] = {}
        """Answers by path that no request changes: runs of workflows, settings, and the like."""
        self.rejections: dict[str, list[tuple[int, str]]] = {}
        """By method and path: statuses and messages to answer with, one after the other."""
        self.immutable_releases = False
        """The setting of the repository by which nobody changes what is attached to a published release."""
        self.headers: dict[str, str] = {}
        """What every answer has besides."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def paths(self, method: str) -> list[str]:
        """The paths of the requests with a method."""
        return [path for called, path, _ in self.calls if called == method]

    def disable_issues(self) -> None:
        """Answer as GitHub does where somebody has switched issues off."""
        for method in ("GET", "POST"):
            self.rejections[f"{method} issues"] = [(410, "Issues has been disabled in this repository.")] * 9

    def answer(self, method: str, path: str, query: dict[str, str], content: bytes) -> tuple[int, Any]:
        name = path.removeprefix(f"/repos/{REPOSITORY}").strip("/")
        body = json.loads(content) if content.startswith(b"{") else content
        self.calls.append((method, name, body))
        if rejections := self.rejections.get(f"{method} {name}"):
            status, message = rejections.pop(0)
            return status, {"message": message}
        if name in self.fixed:
            return 200, self.fixed[name]
        folder, _, last = name.rpartition("/")
        if method == "POST":
            return self._create(name, query, body)
        if folder == "releases/assets" and method == "DELETE":
            for release in self.lists["releases"]:
                if release["immutable"] and int(last) in {asset["id"] for asset in release["assets"]}:
                    return 422, {"message": "Cannot delete asset from an immutable release"}
                release["assets"] = [asset for asset in release["assets"] if asset["id"] != int(last)]
            return 204, None
        if folder == "releases/assets":
            return 200, self.lists["assets"][int(last) - 1]["content"]
        if folder == "releases/tags":
            releases = [each for each in self.lists["releases"] if each["tag_name"] == last and not each["draft"]]
            return (200, releases[0]) if releases else (404, {"message": "Not Found"})
        if folder in self.lists and last.isdigit():
            (entry,) = (entry for entry in self.lists[folder] if entry["id"] == int(last))
            entry.update(body if method == "PATCH" else {})
            if folder == "releases":
                entry["immutable"] = self.immutable_releases and not entry["draft"]
            return 200, entry
        if method == "DELETE":
            return 204, None
        wanted = {key: value for key, value in query.items() if key in ("state", "environment", "sha")}
        entries = [each for each in self.lists[name] if all(each.get(key) == value for key, value in wanted.items())]
        return 200, entries[::-1][: int(query.get("per_page", 30))]

    def _create(self, name: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if name.endswith("/assets"):
            (release,) = (each for each in self.lists["releases"] if each["id"] == int(name.split("/")[1]))
            if release["immutable"]:
                return 422, {"message": "Cannot upload assets to an immutable release."}
            self.lists["assets"].append({"content": body})
            release["assets"].append({"id": len(self.lists["assets"]), "name": query["name"]})
            return 201, release["assets"][-1]
        if name.endswith("/dispatches"):
            return 204, None
        number = len(self.lists[name]) + 1
        entry = {"id": number, "number": number, "html_url": f"{self.address}/{name}/{number}", "state": "open", **body}
        if name == "releases":
            upload_url = f"{self.address}/repos/{REPOSITORY}/releases/{number}/assets{{?name}}"
            entry = {"draft": False, "immutable": False, **entry, "assets": [], "upload_url": upload_url}
        if name == "deployments":
            entry["sha"] = body["ref"]
        self.lists[name].append(entry)
        return 201, entry

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def _any(self) -> None:
                parts = urlsplit(self.path)
                server.tokens.add(self.headers.get("Authorization", ""))
                content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, answer = server.answer(self.command, parts.path, dict(parse_qsl(parts.query)), content)
                text = b"" if answer is None else answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(text)), **server.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PATCH = do_DELETE = _any  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        return Handler
