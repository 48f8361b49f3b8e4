"""Call GitHub's REST API; no other module does."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import quote, urlencode, urlsplit

from cd4ml.errors import UserError
from cd4ml.http.client import Answer, HttpError, request
from cd4ml.http.exchange import checked

_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_MAX_PAGES = 20
_PAGE_SIZE = 100  # entries, the most that GitHub returns
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*/(?!\.+$)[A-Za-z0-9_.-]+")
_PERMISSIONS = {  # the permission that a workflow's job needs, by the first part of the path
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
    """GitHub rejects a request, or does not answer."""

    def __init__(self, message: str, status: int = 0, reason: str = "") -> None:
        super().__init__(message)
        self.status, self.reason = status, reason
        """The HTTP status, 0 if there was no answer, and GitHub's own message."""


@dataclass(frozen=True)
class GitHub:
    """A repository on GitHub, and the token to access it. Paths are relative to it: `issues`, `pulls/7`."""

    repository: str
    token: str = field(repr=False)
    api: str = "https://api.github.com"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ, token: str = "") -> Self:
        """Return the repository that the environment names: GITHUB_REPOSITORY, GITHUB_TOKEN, GITHUB_API_URL.

        Raises:
            GitHubError: one of them is missing, or is not valid.
        """
        repository = environment.get("GITHUB_REPOSITORY", "")
        token = token or environment.get("GITHUB_TOKEN", "") or environment.get("GH_TOKEN", "")
        if not _REPOSITORY.fullmatch(repository):
            raise GitHubError("GITHUB_REPOSITORY is not set; export it as owner/name, and a token as GITHUB_TOKEN")
        if not token:
            raise GitHubError('GITHUB_TOKEN is not set; with GitHub\'s tool: export GITHUB_TOKEN="$(gh auth token)"')
        return cls(repository, token, _checked(environment.get("GITHUB_API_URL") or cls.api).rstrip("/"))

    @property
    def owner(self) -> str:
        """The account that owns the repository."""
        return self.repository.partition("/")[0]

    def get(self, path: str, **query: str | int) -> Any:
        """Return the JSON at a path.

        Raises:
            GitHubError: it cannot be read; its `status` is 404 if it does not exist.
        """
        return self._json("GET", f"{path}?{urlencode(query)}" if query else path)

    def find(self, path: str, **query: str | int) -> Any:
        """Return the JSON at a path; None if it does not exist."""
        try:
            return self.get(path, **query)
        except GitHubError as failure:
            if failure.status == 404:
                return None
            raise

    def pages(self, path: str, **query: str | int) -> Iterator[Any]:
        """Return the entries of a list, page after page, 2,000 at most."""
        for page in range(1, _MAX_PAGES + 1):
            entries = self.get(path, **{"per_page": _PAGE_SIZE, "page": page, **query})
            yield from entries
            if len(entries) < _PAGE_SIZE:
                return

    def post(self, path: str, body: Any) -> Any:
        """Create something, or start an action; return GitHub's answer."""
        return self._json("POST", path, body)

    def patch(self, path: str, body: Any) -> Any:
        """Change something that exists."""
        return self._json("PATCH", path, body)

    def delete(self, path: str) -> None:
        """Remove something; it is no error if it does not exist any more."""
        try:
            self._json("DELETE", path)
        except GitHubError as failure:
            if failure.status != 404:
                raise

    def attach(self, release: Mapping[str, Any], name: str, content: bytes, kind: str = "application/json") -> None:
        """Attach a file to a release, as GitHub described it; a file of that name is replaced."""
        for asset in release.get("assets", ()):
            if asset["name"] == name:
                self.delete(f"releases/assets/{asset['id']}")
        address = _checked(str(release["upload_url"]).partition("{")[0])
        self._send("POST", f"{address}?name={quote(name, safe='')}", content, {"Content-Type": kind})

    def attachment(self, release: Mapping[str, Any], name: str) -> bytes | None:
        """Return a file that is attached to a release; None if there is none of that name."""
        numbers = [asset["id"] for asset in release.get("assets", ()) if asset["name"] == name]
        if not numbers:
            return None
        headers = {"Accept": "application/octet-stream"}
        return self._send("GET", self._address(f"releases/assets/{numbers[0]}"), None, headers).content

    def _json(self, method: str, path: str, body: Any = None) -> Any:
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if content else {}
        answer = self._send(method, self._address(path), content, headers)
        try:
            return answer.json() if answer.content else None
        except HttpError as failure:
            raise GitHubError(f"{self.api} does not answer as GitHub does: {failure.reason}") from None

    def _address(self, path: str) -> str:
        return f"{self.api}/repos/{self.repository}" + (f"/{path}" if path else "")

    def _send(self, method: str, address: str, content: bytes | None, headers: dict[str, str]) -> Answer:
        try:
            answer = request(
                method,
                address,
                content=content,
                headers=_HEADERS | headers,
                credentials={"Authorization": f"Bearer {self.token}"},
                repeatable=method != "POST",  # what is patched here is set, not added to
            )
        except HttpError as failure:
            raise GitHubError(f"no answer from {urlsplit(address).netloc}: {failure.reason}; try again later") from None
        if not answer.ok:
            raise self._error(method, address, answer)
        return answer

    def _error(self, method: str, address: str, answer: Answer) -> GitHubError:
        reason = _message_of(answer)
        path = urlsplit(address).path.partition(f"/{self.repository}")[2].strip("/")
        if answer.status == 401:
            explanation = "GITHUB_TOKEN is not valid, or has expired"
        elif limit := _limit(answer):
            explanation = f"{limit} ({reason})"
        elif method == "POST" and answer.uncertain:
            explanation = f"it failed ({reason}), and may have done it; check that, and run this again if it did not"
        elif answer.transient:
            explanation = f"it failed {answer.attempts} times ({reason}); try again later"
        elif answer.status == 403:
            explanation = f"the token lacks the permission `{_permission(path, method, answer)}` ({reason})"
        else:
            explanation = reason
        called = f"{method} {path or self.repository}"
        return GitHubError(f"GitHub answers {called} with {answer.status}: {explanation}", answer.status, reason)


def _limit(answer: Answer) -> str:
    """Return what a limit of requests means, if it is one: GitHub answers it as it does a missing permission.

    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api says how they are told apart.
    """
    if answer.headers.get("X-RateLimit-Remaining") != "0":
        return ""
    reset = answer.headers.get("X-RateLimit-Reset", "")
    until = f" until {datetime.fromtimestamp(int(reset), UTC):%H:%M} UTC" if reset.isdecimal() else ""
    return f"the token's requests are used up{until}; run this again then"


def _permission(path: str, method: str, answer: Answer) -> str:
    """Return the missing permission as a workflow writes it: the one that GitHub names, else the one for the path."""
    if accepted := answer.headers.get("X-Accepted-GitHub-Permissions"):
        name, _, level = accepted.partition(";")[0].partition(",")[0].partition("=")
        return f"{name.replace('_', '-')}: {level or 'read'}"
    name = _PERMISSIONS.get(path.partition("/")[0], "contents")
    return f"{name}: {'read' if method == 'GET' else 'write'}"


def _message_of(answer: Answer) -> str:
    """Return GitHub's own message, in one line."""
    try:
        body = answer.json()
        errors = [error.get("message") or error.get("code", "") for error in body.get("errors", []) if error]
        text = "; ".join([str(body["message"]), *(str(error) for error in errors)])
    except (HttpError, TypeError, KeyError, AttributeError):
        text = answer.phrase
    return " ".join(text.split())[:200]


def _checked(address: str) -> str:
    """Return an address to which a token may be sent.

    Raises:
        GitHubError: it is neither https nor on this machine.
    """
    try:
        checked(address)
    except HttpError:
        raise GitHubError(f'"{address}" is not https, so the token is not sent there; correct GITHUB_API_URL') from None
    return address
