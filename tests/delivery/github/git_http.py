"""git over HTTP, served by git's own http-backend after the token was looked at."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from tests.delivery.github.repository import Repository
from tests.delivery.github.tokens import Holder

ASK = ("WWW-Authenticate", 'Basic realm="GitHub"')


@dataclass(frozen=True)
class Refusal:
    """Why a request for a repository is not served."""

    status: int
    message: str


def is_push(path: str) -> bool:
    return path.endswith("/git-receive-pack") or "service=git-receive-pack" in path


def judge(holder: Holder | None, known: bool, path: str, private: bool) -> Refusal | None:
    """Refuse who has no right: 401 asks for a name, 403 is final."""
    if known and holder is None:
        return Refusal(401, "Bad credentials")
    if holder is None:
        return Refusal(401, "authentication required") if private or is_push(path) else None
    if not holder.may("contents", "write" if is_push(path) else "read"):
        return Refusal(403, f"Permission to the repository denied to {holder.actor}.")
    return None


def serve(
    handler: BaseHTTPRequestHandler, repository: Repository, rest: str, body: bytes, holder: Holder | None
) -> None:
    """Answer with what http-backend says; `rest` is the path within the repository."""
    parts = urlsplit(rest)
    settings = os.environ | {
        "GIT_PROJECT_ROOT": str(repository.folder),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": parts.path,
        "QUERY_STRING": parts.query,
        "REQUEST_METHOD": handler.command,
        "CONTENT_TYPE": handler.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_CONTENT_ENCODING": handler.headers.get("Content-Encoding", ""),
        "GIT_PROTOCOL": handler.headers.get("Git-Protocol", ""),
        "REMOTE_USER": holder.actor if holder else "",
        "PUSHED_BY": holder.kind if holder else "",
        "MAY_CHANGE_WORKFLOWS": "1" if holder and holder.may("workflows", "write") else "",
    }
    done = subprocess.run(["git", "http-backend"], env=settings, input=body, capture_output=True, check=False)
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    headers = [line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line]
    status = next(
        (int(value.split()[0]) for name, value in headers if name == "Status"), 200 if done.returncode == 0 else 500
    )
    handler.send_response(status)
    for name, value in headers:
        if name != "Status":
            handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)
