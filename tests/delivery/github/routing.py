"""How a request finds its endpoint, and what every endpoint is given."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from tests.delivery.github.tokens import Holder

if TYPE_CHECKING:
    from tests.delivery.github.github import GitHub

Json = dict[str, Any]
Endpoint = Callable[["Request"], Any]


@dataclass(frozen=True)
class Request:
    """One call of the REST API; `path` holds what the route left open."""

    github: GitHub
    holder: Holder
    path: dict[str, str]
    query: dict[str, str]
    body: Any
    content: bytes = b""
    wants_bytes: bool = False


class ApiError(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status, self.body = status, {"message": message, **more}


def missing() -> ApiError:
    return ApiError(404, "Not Found")


def invalid(message: str) -> ApiError:
    return ApiError(422, "Validation Failed", errors=[{"message": message}])


@dataclass(frozen=True)
class Route:
    method: str
    pattern: re.Pattern[str]
    scopes: tuple[str, ...]
    status: int
    endpoint: Endpoint


ROUTES: list[Route] = []


def route(verb: str, scopes: str, status: int = 200) -> Callable[[Endpoint], Endpoint]:
    """Register an endpoint: `GET /pulls/{number}`, and the permissions any of which lets it be called.

    A GET needs read, everything else write; the scope `owner` is no job's and only a person's.
    """
    method, _, template = verb.partition(" ")
    pattern = re.compile(re.sub(r"\{(\w+)(\*?)\}", lambda m: f"(?P<{m[1]}>{'.+' if m[2] else '[^/]+'})", template))

    def register(endpoint: Endpoint) -> Endpoint:
        ROUTES.append(Route(method, pattern, tuple(scopes.split()), status, endpoint))
        return endpoint

    return register


@dataclass(frozen=True)
class Call:
    """A request as it came: its path is what follows the repository's."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    content: bytes
    wants_bytes: bool


def answer(github: GitHub, holder: Holder | None, call: Call) -> tuple[int, Any, dict[str, str]]:
    """Call the endpoint; return status, body and headers."""
    if holder is None:
        return 401, {"message": "Bad credentials" if github.private else "Requires authentication"}, {}
    for found in ROUTES:
        matched = found.pattern.fullmatch(call.path)
        if not matched or found.method != call.method:
            continue
        level = "read" if call.method == "GET" else "write"
        if not any(holder.may(scope, level) for scope in found.scopes):
            told = "; ".join(f"{scope.replace('-', '_')}={level}" for scope in found.scopes)
            headers = {"X-Accepted-GitHub-Permissions": told} if "owner" not in found.scopes else {}
            return 403, {"message": "Resource not accessible by integration"}, headers
        named = {name: unquote(value) for name, value in matched.groupdict().items()}
        try:
            return (
                found.status,
                found.endpoint(Request(github, holder, named, call.query, call.body, call.content, call.wants_bytes)),
                {},
            )
        except ApiError as refused:
            return refused.status, refused.body, {}
    return 404, {"message": f"Not Found (the fake GitHub knows no {call.method} {call.path})"}, {}
