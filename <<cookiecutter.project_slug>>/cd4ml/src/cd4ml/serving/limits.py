"""Reject requests at once if the service has too many, instead of letting all of them wait."""

import asyncio
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from cd4ml.serving.problem import problem

Argument = TypeVar("Argument")
Result = TypeVar("Result")

_DETAILS = {
    "requests": "too many requests are waiting for an answer",
    "connections": "too many connections are open",
    "batches": "too many large batches are waiting for an answer",
}
_HEADERS = {"Retry-After": "1"}
_CLOSING = {**_HEADERS, "Connection": "close"}


def overload(reason: str) -> HTTPException:
    """Return the error of a request that is one too many: 503, and when to try again."""
    return HTTPException(503, f"{_DETAILS[reason]}; try again in a second", _headers(reason))


def _headers(reason: str) -> dict[str, str]:
    return _CLOSING if reason == "connections" else _HEADERS


class ShedLoad:
    """Middleware that rejects the requests that the protocol has marked as too many, but for some paths."""

    def __init__(self, app: ASGIApp, always_answered: Collection[str]) -> None:
        self._app, self._always_answered = app, frozenset(always_answered)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request: 503 if it is one too many."""
        if (reason := scope.get("overloaded")) and scope["path"] not in self._always_answered:
            error = overload(reason)
            await problem(scope, error.status_code, error.detail, error.headers)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class LargeBatches:
    """Predicts large batches in a thread, one after the other, so that the event loop answers small ones meanwhile.

    Args:
        most: how many may be there at once; `run` rejects more.
    """

    def __init__(self, most: int) -> None:
        self._most, self._present = most, 0
        self._thread = ThreadPoolExecutor(1, "large-batch")

    async def run(self, predict: Callable[[Argument], Result], argument: Argument) -> Result:
        """Return what `predict` returns.

        Raises:
            HTTPException: 503, too many large batches wait.
        """
        if self._present >= self._most:
            raise overload("batches")
        self._present += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, predict, argument)
        finally:
            self._present -= 1
