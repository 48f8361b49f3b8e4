"""Responses to errors as problem documents (RFC 9457), which programs and people can read."""

import json
from collections.abc import Sequence
from http import HTTPStatus
from http.client import responses
from typing import Any

import msgspec
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from cd4ml.serving.payload import MAX_VIOLATIONS, RejectedError, Violation

MEDIA_TYPE = "application/problem+json"
FAILED = "the service failed; its log has the reason, under this request id"


def problem(scope: Scope, status: int, detail: str, headers: Any = None, **extensions: Any) -> Response:
    """Return a problem document as the response to a request."""
    document = {
        "type": "about:blank",
        "title": responses.get(status, "Error"),
        "status": status,
        "detail": detail,
        "request_id": scope.get("request_id", ""),
        **extensions,
    }
    return Response(_encoded(document), status, headers, MEDIA_TYPE)


def _encoded(document: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(document)
    except UnicodeEncodeError:  # half a character, which a client can write as "\\ud800"
        return json.dumps(document).encode()


def problem_of(scope: Scope, status: int, said: Any, headers: Any = None) -> Response:
    """Return a problem document for what a route says of its error: a text, FastAPI's list of errors, or JSON."""
    if isinstance(said, str):
        return problem(scope, status, said, headers)
    if isinstance(said, list) and all(isinstance(error, dict) and "msg" in error for error in said):
        return problem(scope, status, "the request is not valid; errors says where", headers, errors=_where(said))
    return problem(scope, status, responses.get(status, "Error"), headers, **({} if said is None else {"errors": said}))


def _where(errors: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    """Return FastAPI's validation errors without what was sent, which may be long or secret."""
    return [{"location": ".".join(map(str, error.get("loc", ()))), "rule": str(error["msg"])} for error in errors]


def violations_problem(scope: Scope, violations: Sequence[Violation]) -> Response:
    """Return the response to a body that breaks the contract: 422, with its first violations by row and column."""
    listed = f"the first {MAX_VIOLATIONS} violations" if len(violations) == MAX_VIOLATIONS else "the violations"
    errors = msgspec.to_builtins(violations)
    return problem(scope, 422, f"the rows break the contract; errors lists {listed}", errors=errors)


async def rejected_problem(request: Request, error: Exception) -> Response:
    """Return the response to rows that a route of the team's own asked about, and that break the contract."""
    assert isinstance(error, RejectedError)  # noqa: S101 - it is registered for no other exception
    return violations_problem(request.scope, error.violations)


async def invalid_problem(request: Request, error: Exception) -> Response:
    """Return the response to what FastAPI's types reject.

    FastAPI's own repeats what was sent, and fails if JSON has no way to write that, such as NaN.
    """
    assert isinstance(error, RequestValidationError)  # noqa: S101 - it is registered for no other exception
    return problem_of(request.scope, HTTPStatus.UNPROCESSABLE_ENTITY, error.errors())


async def http_problem(request: Request, error: Exception) -> Response:
    """Return the response to an HTTP error, such as an unknown path, a wrong method, or a body that is not JSON."""
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for no other exception
    status, detail, headers = error.status_code, error.detail, dict(error.headers or {})
    if status < HTTPStatus.BAD_REQUEST:
        return Response(status_code=status, headers=headers)
    if status == HTTPStatus.NOT_FOUND and detail == responses[status]:  # otherwise a route says what was not found
        docs = f"{request.scope.get('root_path', '')}/docs"
        detail = f"unknown path {request.url.path}; {docs} lists all paths"
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = _allowed_methods(request)
        headers["Allow"] = allowed
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=headers)
        detail = f"{request.url.path} does not support {request.method}; use {allowed}"
    return problem_of(request.scope, status, detail, headers)


def _allowed_methods(request: Request) -> str:
    """Return the methods of all routes with the request's path; Starlette itself only reports those of the first."""
    routes = [route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE]
    methods = {method for route in routes for method in getattr(route, "methods", None) or {"GET", "HEAD"}}
    return ", ".join(sorted(methods | {"OPTIONS"}))
