"""POST /predict, the hot path: from a request's body to its predictions, without a framework.

It decodes a body with types made from the contract, and scores few rows in the event loop, since a thread would take
longer to start than ONNX Runtime to score them. Many rows are scored in a thread, so that others need not wait.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from cd4ml.bundle.bundle import Bundle
from cd4ml.bundle.explanation import contributions, reference_columns, swapped
from cd4ml.contract.columns import Array, Columns, rows_of_columns
from cd4ml.serving.answer import Answer, finite_scores
from cd4ml.serving.batching import MOST_ROWS, LoopBatcher, ThreadBatcher, scores_are_independent
from cd4ml.serving.limits import LargeBatches
from cd4ml.serving.payload import DecodedRequest, MalformedError, Payload, RejectedError
from cd4ml.serving.problem import problem, violations_problem
from cd4ml.serving.request import check_media_type, read_body
from cd4ml.serving.service_settings import ServiceSettings

_SMALL_BODY = 64 * 1024  # bytes that are decoded in the event loop: about a millisecond


class PredictEndpoint:
    """An ASGI application that answers the requests with rows; errors are problem documents.

    Before it sends the predictions it leaves them in the scope: `scope["answer"]`, an `Answer`.
    """

    def __init__(self, bundle: Bundle, settings: ServiceSettings) -> None:
        self._bundle, self._max_bytes = bundle, settings.max_bytes
        self._payload = Payload(bundle.contract, settings.max_rows)
        self._scores_of_few = self._few_rows(scores_are_independent(bundle))
        self._large_batches = LargeBatches(settings.max_large_batches)
        self._model = {"model": bundle.manifest.name, "version": bundle.version}
        self._reference = reference_columns(bundle.training_profile(), bundle.contract)
        self._reference_row = next(iter(rows_of_columns(self._reference, bundle.contract)), {})
        self._encode = msgspec.json.Encoder().encode

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        try:
            check_media_type(scope)
            body = await read_body(scope, receive, self._max_bytes)
            answer = scope["answer"] = await self._answer(body)
        except (HTTPException, MalformedError, RejectedError) as rejected:
            await _rejection(scope, rejected)(scope, receive, send)
            return
        content = self._encode(self._document(answer, scope["request_id"]))
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _few_rows(self, together: bool) -> Callable[[Columns, int], Awaitable[Array]]:
        """Return what scores the rows of a small request; several requests together, if that changes no score."""
        if self._bundle.manifest.runtime == "sklearn":
            return ThreadBatcher(self._scores, together).scores
        return LoopBatcher(self._scores).scores if together else self._scores_at_once

    async def _answer(self, body: bytes) -> Answer:
        if len(body) > _SMALL_BODY:
            return await self._large_batches.run(self._answer_in_thread, body)
        request = self._payload.decode(body)
        scores = await self._scored(request.columns)
        return self._answer_of(request, scores, await self._scored(self._changed(request)) if request.explain else None)

    async def _scored(self, columns: Columns) -> Array:
        rows = len(next(iter(columns.values())))
        if rows <= MOST_ROWS:
            return await self._scores_of_few(columns, rows)
        return await self._large_batches.run(self._scores, columns)

    def _answer_in_thread(self, body: bytes) -> Answer:
        request = self._payload.decode(body)
        scores = self._scores(request.columns)
        return self._answer_of(request, scores, self._scores(self._changed(request)) if request.explain else None)

    def _changed(self, request: DecodedRequest) -> Columns:
        """Return the rows that explanations need.

        They have the request's own rows as well: a model may round differently in a call with more rows. So the answer
        is that of a request without explanations, and a column that is not changed contributes 0.
        """
        return swapped(request.columns, self._reference)

    def _answer_of(self, request: DecodedRequest, scores: Array, changed: Array | None) -> Answer:
        decision = self._bundle.decision
        explanations = None if changed is None else contributions(changed, decision, self._reference)
        predictions, probabilities = decision.predictions(scores), decision.probabilities(scores)
        return Answer(request.columns, request.ids, predictions, probabilities, explanations, request.size)

    async def _scores_at_once(self, columns: Columns, rows: int) -> Array:
        return self._scores(columns)

    def _scores(self, columns: Columns) -> Array:
        return finite_scores(self._bundle, columns)

    def _document(self, answer: Answer, request_id: str) -> dict[str, Any]:
        document: dict[str, Any] = {"predictions": answer.predictions}
        if answer.probabilities is not None:
            document["probabilities"] = answer.probabilities
        if answer.explanations is not None:
            document |= {"explanations": answer.explanations, "reference": self._reference_row}
        return {**document, **self._model, "request_id": request_id}


def _rejection(scope: Scope, rejected: HTTPException | MalformedError | RejectedError) -> Response:
    if isinstance(rejected, RejectedError):
        return violations_problem(scope, rejected.violations)
    if isinstance(rejected, MalformedError):
        return problem(scope, 400, f"the body is not valid JSON: {rejected}")
    return problem(scope, rejected.status_code, rejected.detail, rejected.headers)
