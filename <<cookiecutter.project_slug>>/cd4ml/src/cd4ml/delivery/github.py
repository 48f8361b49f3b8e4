"""Ask GitHub's REST API, with the standard library alone; the only module that does."""

import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any, Self
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from cd4ml.errors import UserError

ATTEMPTS = 4
PAUSE = 1.0  # seconds before the second attempt; before each later one twice as long
_SILENCE = 30.0  # seconds without an answer
_PASSING = {429, 500, 502, 503, 504}
_MOST_PAGES = 20
_PAGE = 100  # entries; GitHub gives no more
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*/(?!\.+$)[A-Za-z0-9_.-]+")
_PERMISSIONS = {  # what a workflow's job must be permitted, by what is asked for
    "actions": "actions",
    "deployments": "deployments",
    "dispatches": "contents",
    "environments": "actions",
    "git": "contents",
    "issues": "issues",
    "pulls": "pull-requests",
    "releases": "contents",
    "statuses": "statuses",
}


class GitHubError(UserError):
    """GitHub refuses, or does not answer."""

    def __init__(self, message: str, status: int = 0, said: str = "") -> None:
        super().__init__(message)
        self.status, self.said = status, said
        """The answer's status, 0 where there was none, and GitHub's own words."""


@dataclass(frozen=True)
class GitHub:
    """One repository on GitHub, and the token to ask with. Paths are relative to it: `issues`, `pulls/7`."""

    repository: str
    token: str = field(repr=False)
    api: str = "https://api.github.com"

    @classmethod
    def here(cls, environment: Mapping[str, str] = os.environ, token: str = "") -> Self:
        """Return the repository that the environment names: GITHUB_REPOSITORY, GITHUB_TOKEN, GITHUB_API_URL.

        Raises:
            GitHubError: one of them is missing, or no such thing.
        """
        repository = environment.get("GITHUB_REPOSITORY", "")
        token = token or environment.get("GITHUB_TOKEN", "") or environment.get("GH_TOKEN", "")
        if not _REPOSITORY.fullmatch(repository):
            raise GitHubError("GITHUB_REPOSITORY is not set; export it as owner/name, and a token as GITHUB_TOKEN")
        if not token:
            raise GitHubError('GITHUB_TOKEN is not set; with GitHub\'s tool: export GITHUB_TOKEN="$(gh auth token)"')
        return cls(repository, token, _private(environment.get("GITHUB_API_URL") or cls.api).rstrip("/"))

    @property
    def owner(self) -> str:
        """The account that owns the repository."""
        return self.repository.partition("/")[0]

    def get(self, path: str, **query: str | int) -> Any:
        """Return what is there.

        Raises:
            GitHubError: it cannot be had; its `status` is 404 where there is no such thing.
        """
        return self._json("GET", f"{path}?{urlencode(query)}" if query else path)

    def find(self, path: str, **query: str | int) -> Any:
        """Return what is there; None where there is no such thing."""
        try:
            return self.get(path, **query)
        except GitHubError as absent:
            if absent.status == 404:
                return None
            raise

    def pages(self, path: str, **query: str | int) -> Iterator[Any]:
        """Return the entries of a list, page after page, 2,000 at most."""
        for page in range(1, _MOST_PAGES + 1):
            entries = self.get(path, **{"per_page": _PAGE, "page": page, **query})
            yield from entries
            if len(entries) < _PAGE:
                return

    def post(self, path: str, body: Any) -> Any:
        """Create something, or have something done; return what GitHub says of it."""
        return self._json("POST", path, body)

    def patch(self, path: str, body: Any) -> Any:
        """Change something that is there."""
        return self._json("PATCH", path, body)

    def put(self, path: str, body: Any) -> Any:
        """Set something, whether or not it is there."""
        return self._json("PUT", path, body)

    def delete(self, path: str) -> None:
        """Remove something; what is gone already is no failure."""
        try:
            self._json("DELETE", path)
        except GitHubError as absent:
            if absent.status != 404:
                raise

    def attach(self, release: Mapping[str, Any], name: str, content: bytes, kind: str = "application/json") -> None:
        """Attach a file to a release, as GitHub described it, in place of one of that name."""
        for asset in release.get("assets", ()):
            if asset["name"] == name:
                self.delete(f"releases/assets/{asset['id']}")
        address = _private(str(release["upload_url"]).partition("{")[0])
        self._send("POST", f"{address}?name={quote(name, safe='')}", content, {"Content-Type": kind})

    def attached(self, release: Mapping[str, Any], name: str) -> bytes | None:
        """Return a file that is attached to a release; None where there is none of that name."""
        numbers = [asset["id"] for asset in release.get("assets", ()) if asset["name"] == name]
        if not numbers:
            return None
        wanted = {"Accept": "application/octet-stream"}
        return self._send("GET", self._address(f"releases/assets/{numbers[0]}"), None, wanted)

    def _json(self, method: str, path: str, body: Any = None) -> Any:
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if content else {}
        answer = self._send(method, self._address(path), content, headers)
        try:
            return json.loads(answer) if answer else None
        except ValueError:
            raise GitHubError(f"{self.api} does not answer as GitHub does: {answer[:60]!r}") from None

    def _address(self, path: str) -> str:
        return f"{self.api}/repos/{self.repository}" + (f"/{path}" if path else "")

    def _send(self, method: str, address: str, content: bytes | None, headers: dict[str, str]) -> bytes:
        told = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28", "User-Agent": "cd4ml"}
        request = Request(address, content, told | headers, method=method)  # noqa: S310 - https, or loopback
        # Not sent on to where a redirection leads.
        request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(PAUSE * 2 ** (attempt - 1))
            last = attempt == ATTEMPTS - 1
            try:
                with _opener(address).open(request, timeout=_SILENCE) as answer:
                    return bytes(answer.read())
            except HTTPError as refused:
                with refused:
                    if refused.code not in _PASSING or last:
                        raise self._explained(method, address, refused) from None
            except (URLError, HTTPException, OSError) as broken:
                if last or method == "POST":  # it may have been done
                    reason = getattr(broken, "reason", broken)
                    raise GitHubError(f"no answer from {urlsplit(address).netloc}: {reason}; try again later") from None
        raise AssertionError("unreachable")

    def _explained(self, method: str, address: str, refused: HTTPError) -> GitHubError:
        said = _said(refused)
        what = urlsplit(address).path.partition(f"/{self.repository}")[2].strip("/")
        asked = f"{method} {what or self.repository}"
        if refused.code == 401:
            told = "GITHUB_TOKEN is not valid, or has expired"
        elif refused.code == 403:
            told = f"the token lacks the permission `{_permission(what, method, refused)}` ({said})"
        elif refused.code in _PASSING:
            told = f"it failed {ATTEMPTS} times ({said}); try again later"
        else:
            told = said
        return GitHubError(f"GitHub answers {asked} with {refused.code}: {told}", refused.code, said)


def _permission(what: str, method: str, refused: HTTPError) -> str:
    """Return the permission that is missing, as a workflow writes it; GitHub itself may say which."""
    if accepted := refused.headers.get("X-Accepted-GitHub-Permissions"):
        name, _, level = str(accepted).partition(";")[0].partition(",")[0].partition("=")
        return f"{name.replace('_', '-')}: {level or 'read'}"
    name = _PERMISSIONS.get(what.partition("/")[0], "contents")
    return f"{name}: {'read' if method == 'GET' else 'write'}"


def _said(refused: HTTPError) -> str:
    """Return GitHub's own words in one line."""
    try:
        told = json.loads(refused.read())
        errors = [error.get("message") or error.get("code", "") for error in told.get("errors", []) if error]
        text = "; ".join([str(told["message"]), *(str(error) for error in errors)])
    except (ValueError, TypeError, KeyError, AttributeError, HTTPException, OSError):
        text = str(refused.reason)
    return " ".join(text.split())[:200]


def _private(address: str) -> str:
    """Return an address to which a token may be sent.

    Raises:
        GitHubError: it is neither https nor this machine's own.
    """
    parts = urlsplit(address)
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise GitHubError(f'"{address}" is not https, and no token is sent there; mend GITHUB_API_URL')
    return address


class _StayPrivate(HTTPRedirectHandler):
    """Follows a redirection of what is only read, and to https alone."""

    def redirect_request(self, request: Request, *arguments: Any) -> Request | None:
        if request.get_method() != "GET":
            return None
        _private(arguments[-1])
        return super().redirect_request(request, *arguments)


def _opener(address: str) -> OpenerDirector:
    handlers: list[Any] = [_StayPrivate()]
    if urlsplit(address).hostname in _LOOPBACK:
        handlers.append(ProxyHandler({}))
    return build_opener(*handlers)
