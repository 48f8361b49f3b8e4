"""Count what the service answers, for GET /metrics: requests, latencies, rows, predictions and the columns' values.

A request only leaves a note. Notes are counted later, many at once, since NumPy takes about as long for 200 rows as for
one: after `_MOST_NOTES` requests or `_MOST_ROWS` rows, a second after the first of them, and before they are read.
"""

import asyncio
from collections.abc import Callable, Sequence
from http import HTTPStatus
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cd4ml.bundle.bundle import Bundle
from cd4ml.prediction_log.writer import PredictionLog
from cd4ml.serving.answer import Answer
from cd4ml.serving.counts import Counts, Share
from cd4ml.serving.refusals import REASONS
from cd4ml.serving.tallies import Numbers, Tallier, column_tallier, prediction_bins

SECONDS = np.array([0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10])
"""Where the bins of the latencies end."""
PROBABILITIES = np.arange(1, 11) / 10
"""Where the bins of the probabilities of true end."""
OTHER_PATH = "(other)"
"""Stands for every path that is no route's."""
STATUSES = (*(str(status.value) for status in HTTPStatus if status >= 200), "other", "disconnected")
"""The last one stands for a client that closed the connection before a response was begun."""

_MOST_NOTES, _MOST_ROWS, _LONGEST = 250, 1000, 1.0  # seconds
_ROW_BYTES = (
    4096  # each as many in a request count as one row more, since they are kept in memory until they are counted
)
_STATUS_NUMBER: dict[int | None, int] = {int(name): number for number, name in enumerate(STATUSES) if name.isdigit()}
_STATUS_NUMBER[None] = STATUSES.index("disconnected")
_OTHER_STATUS = STATUSES.index("other")

Note: TypeAlias = tuple[int, int | None, float, Answer | None]
"""Of a request: the number of its path's template, the status, the seconds that it took, and its answer."""


class Metrics:
    """The counts of a service with one bundle.

    Args:
        bundle: whose contract and training profile say what is counted.
        paths: the templates of the service's routes.
        share: of the counts, if several processes serve.
    """

    def __init__(self, bundle: Bundle, paths: Sequence[str], share: Share | None = None) -> None:
        profile = bundle.training_profile()
        self.paths = [*paths, OTHER_PATH]
        self.talliers: dict[str, Tallier] = {
            name: column_tallier(column, profile["columns"][name]) for name, column in bundle.contract.columns.items()
        }
        self.classes = bundle.decision.classes
        self.numbers = None if self.classes else prediction_bins(profile["target"])
        self.probabilities = Numbers(PROBABILITIES) if bundle.manifest.task == "binary" else None
        self.counts = Counts(self._shapes(), share)
        self.log: PredictionLog | None = None
        """The prediction log, if the service has one."""
        self._read_of_log = np.zeros(3)
        self._notes: list[Note] = []
        self._rows = 0

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        paths, columns, one = len(self.paths), (len(self.talliers),), (1,)
        numbers = (self.numbers.bins if self.numbers else 0,)
        probabilities = (self.probabilities.bins if self.probabilities else 0,)
        return {
            "requests": (paths, len(STATUSES)), "latencies": (paths, len(SECONDS) + 1), "seconds": (paths,),
            "refusals": (len(REASONS),), "log": (3,), "log waiting": one,
            "rows": one, "classes": (len(self.classes),), "numbers": numbers, "total number": one,
            "probabilities": probabilities, "total probability": one,
            "nulls": columns, "unknown": columns, "totals": columns,
            **{f"column {name}": (tallier.bins,) for name, tallier in self.talliers.items()},
        }  # fmt: skip

    def add(self, note: Note) -> None:
        """Take a note, to be counted within a second."""
        notes = self._notes
        if not notes:
            asyncio.get_running_loop().call_later(_LONGEST, self.count)
        notes.append(note)
        answer = note[3]
        if answer is not None:
            self._rows += len(answer.predictions) + answer.size // _ROW_BYTES
        if len(notes) >= _MOST_NOTES or self._rows >= _MOST_ROWS:
            self.count()

    def count(self) -> None:
        """Count the notes that were taken, and what the prediction log has counted meanwhile."""
        if self.log is not None:
            self._count_log(self.log)
        notes, self._notes, self._rows = self._notes, [], 0
        if notes:
            self._count_requests(notes)
            answers = [answer for _, _, _, answer in notes if answer is not None]
            if answers:
                self._count_predictions(answers)
                self._count_columns(answers)

    def _count_log(self, log: PredictionLog) -> None:
        """Add what came since the last time: the log's own counts begin at 0 with each process."""
        counts = np.array([log.written, log.failed, log.dropped], dtype=np.float64)
        self.counts.own("log")[:] += counts - self._read_of_log
        self._read_of_log = counts
        self.counts.own("log waiting")[0] = log.waiting

    def _count_requests(self, notes: list[Note]) -> None:
        paths = np.array([path for path, _, _, _ in notes])
        statuses = np.array([_STATUS_NUMBER.get(status, _OTHER_STATUS) for _, status, _, _ in notes])
        seconds = np.array([duration for _, _, duration, _ in notes])
        np.add.at(self.counts.own("requests"), (paths, statuses), 1)
        np.add.at(self.counts.own("latencies"), (paths, np.searchsorted(SECONDS, seconds)), 1)
        np.add.at(self.counts.own("seconds"), paths, seconds)

    def _count_predictions(self, answers: list[Answer]) -> None:
        predictions = [prediction for answer in answers for prediction in answer.predictions]
        self.counts.own("rows")[0] += len(predictions)
        if self.numbers is None:
            self.counts.own("classes")[:] += [predictions.count(name) for name in self.classes]
        else:
            self._count_numbers("numbers", "total number", self.numbers, predictions)
        if self.probabilities is not None:
            probabilities = [value for answer in answers for value in answer.probabilities or ()]
            self._count_numbers("probabilities", "total probability", self.probabilities, probabilities)

    def _count_numbers(self, bins: str, total: str, tallier: Numbers, values: list[Any]) -> None:
        tally = tallier.tally(np.array(values, dtype=np.float64))
        self.counts.own(bins)[:] += tally.bins
        self.counts.own(total)[0] += tally.total

    def _count_columns(self, answers: list[Answer]) -> None:
        nulls, unknown, totals = (self.counts.own(name) for name in ("nulls", "unknown", "totals"))
        for number, (name, tallier) in enumerate(self.talliers.items()):
            tally = tallier.tally(np.concatenate([answer.columns[name] for answer in answers]))
            nulls[number] += tally.nulls
            unknown[number] += tally.unknown
            totals[number] += tally.total
            self.counts.own(f"column {name}")[:] += tally.bins


class CountRequests:
    """Middleware that counts each request, and what it was answered.

    Args:
        app: the application.
        metrics: the counts.
        path_number: returns the number of the template that a request's path is counted as.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, path_number: Callable[[Scope], int]) -> None:
        self._app, self._metrics, self._path_number = app, metrics, path_number

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, path, status = perf_counter(), self._path_number(scope), None

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        finally:
            self._metrics.add((path, status, perf_counter() - began, scope.get("answer")))
