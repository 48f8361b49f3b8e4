"""The model, for routes of the team's own: it predicts rows as POST /predict does."""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Any

import msgspec
import numpy as np
from starlette.types import ASGIApp, Receive, Scope, Send

from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.contract import Contract
from cd4ml.serving.answer import Answer, finite_scores
from cd4ml.serving.payload import DecodedRequest, Payload, RejectedError, Violation

_request: ContextVar[Scope | None] = ContextVar("request", default=None)


class ServedModel:
    """The model of a service."""

    def __init__(self, bundle: Bundle, max_rows: int) -> None:
        self.bundle = bundle
        self._payload = Payload(bundle.contract, max_rows)

    @property
    def contract(self) -> Contract:
        """The contract that rows must keep."""
        return self.bundle.contract

    @property
    def version(self) -> str:
        """The version of the model, as the header X-Model-Version has it."""
        return self.bundle.version

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> Answer:
        """Return the predictions for rows, which count and are logged as those of the request that is being handled.

        Args:
            rows: from 1 to MAX_ROWS, with the contract's columns; values as in JSON, times as ISO 8601 or
                datetime; None, NaN and infinity are nulls.

        Raises:
            RejectedError: a row breaks the contract; the response is 422, and names row, column and rule.
            ModelError: the model predicts NaN or infinity.
        """
        decoded = self._decode(rows)
        scores = finite_scores(self.bundle, decoded.columns)
        decision = self.bundle.decision
        predictions, probabilities = decision.predictions(scores), decision.probabilities(scores)
        answer = Answer(decoded.columns, decoded.ids, predictions, probabilities, size=decoded.size)
        request = _request.get()
        if request is not None:
            before = request.get("answer")
            request["answer"] = answer if before is None else _both(before, answer)
        return answer

    def _decode(self, rows: Sequence[Mapping[str, Any]]) -> DecodedRequest:
        try:
            body = msgspec.json.encode({"rows": [dict(row) for row in rows]}, enc_hook=_plain)
        except (UnicodeEncodeError, OverflowError, RecursionError) as impossible:  # of values that a client sent
            raise RejectedError([Violation(None, None, f"values of JSON: {impossible}", None)]) from None
        return self._payload.decode(body)


def _plain(value: Any) -> Any:
    """Return a NumPy scalar as a plain value."""
    if isinstance(value, np.generic):
        return value.item()
    raise NotImplementedError(f"{type(value).__name__} is no value of JSON")


def _both(first: Answer, second: Answer) -> Answer:
    """Return the answers to two calls that were made for one request as one."""
    columns = {name: np.concatenate([array, second.columns[name]]) for name, array in first.columns.items()}
    ids = None if first.ids is None or second.ids is None else first.ids + second.ids
    probabilities = None
    if first.probabilities is not None and second.probabilities is not None:
        probabilities = first.probabilities + second.probabilities
    predictions, size = first.predictions + second.predictions, first.size + second.size
    return Answer(columns, ids, predictions, probabilities, size=size)


class RememberRequest:
    """Middleware by which `ServedModel.predict` knows for which request it is called."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        token = _request.set(scope)
        try:
            await self._app(scope, receive, send)
        finally:
            _request.reset(token)
