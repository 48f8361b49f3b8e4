"""Responses to errors as problem documents (RFC 9457), which programs and people can read."""

from http import HTTPStatus
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from cd4ml.serving.payload import MAX_VIOLATIONS, RejectedError

MEDIA_TYPE = "application/problem+json"


def problem(scope: Scope, status: int, detail: str, headers: Any = None, **extensions: Any) -> Response:
    """Return a problem document as the response to a request."""
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": scope.get("request_id", ""),
        **extensions,
    }
    return Response(msgspec.json.encode(document), status, headers, MEDIA_TYPE)


async def violations_problem(request: Request, error: Exception) -> Response:
    """Return the response to a body that breaks the contract: 422, with its first violations by row and column."""
    assert isinstance(error, RejectedError)  # noqa: S101 - it is registered for no other exception
    violations = msgspec.to_builtins(error.violations)
    listed = f"the first {MAX_VIOLATIONS} violations" if len(violations) == MAX_VIOLATIONS else "the violations"
    return problem(request.scope, 422, f"the rows break the contract; errors lists {listed}", errors=violations)


async def http_problem(request: Request, error: Exception) -> Response:
    """Return the response to an HTTP error, such as an unknown path, a wrong method, or a body that is not JSON."""
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for no other exception
    detail, headers = error.detail, dict(error.headers or {})
    if error.status_code == 404:
        detail = f"unknown path {request.url.path}; /docs lists all paths"
    if error.status_code == 405:
        allowed = _allowed_methods(request)
        headers["Allow"] = allowed
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=headers)
        detail = f"{request.url.path} does not support {request.method}; use {allowed}"
    return problem(request.scope, error.status_code, detail, headers)


def _allowed_methods(request: Request) -> str:
    """Return the methods of all routes with the request's path; Starlette itself only reports those of the first."""
    routes = [route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE]
    methods = {method for route in routes for method in getattr(route, "methods", None) or {"GET", "HEAD"}}
    return ", ".join(sorted(methods | {"OPTIONS"}))
