"""Errors as problem documents (RFC 9457): what is wrong, for programs and people alike."""

from http import HTTPStatus
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from cd4ml.serving.payload import MOST_MISTAKES, RefusedError

MEDIA_TYPE = "application/problem+json"


def problem(scope: Scope, status: int, detail: str, headers: Any = None, **more: Any) -> Response:
    """Return a problem document as the answer to a request."""
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": scope.get("request_id", ""),
        **more,
    }
    return Response(msgspec.json.encode(document), status, headers, MEDIA_TYPE)


async def refused(request: Request, refusal: Exception) -> Response:
    """Answer a body that breaks the contract: 422, with every mistake (up to a limit) by row and column."""
    assert isinstance(refusal, RefusedError)  # noqa: S101 - it is registered for nothing else
    mistakes = msgspec.to_builtins(refusal.mistakes)
    told = f"the first {MOST_MISTAKES} mistakes" if len(mistakes) == MOST_MISTAKES else "the mistakes"
    return problem(request.scope, 422, f"the rows do not keep the contract; errors lists {told}", errors=mistakes)


async def http_error(request: Request, error: Exception) -> Response:
    """Answer what HTTP itself refuses: an unknown path, a method that is not for it, a body that is no JSON."""
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for nothing else
    detail, headers = error.detail, dict(error.headers or {})
    if error.status_code == 404:
        detail = f"there is nothing at {request.url.path}; /docs shows what there is"
    if error.status_code == 405:
        allowed = _methods(request)
        headers["Allow"] = allowed
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=headers)
        detail = f"{request.method} is not for {request.url.path}; use {allowed}"
    return problem(request.scope, error.status_code, detail, headers)


def _methods(request: Request) -> str:
    """Return what a path may be asked with: all routes' methods, where Starlette knows the first route's alone."""
    routes = [route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE]
    methods = {method for route in routes for method in getattr(route, "methods", None) or {"GET", "HEAD"}}
    return ", ".join(sorted(methods | {"OPTIONS"}))
