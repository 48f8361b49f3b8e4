"""Score the rows of requests that wait at the same time together: a model needs hardly longer for many than for one.

A request never waits for others to come: those are scored together that arrived in the same turn of the event loop, or
while a thread was busy. `scores_are_independent` says whether a bundle allows it.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from cd4ml.bundle.bundle import Bundle
from cd4ml.bundle.explanation import reference_columns, swapped
from cd4ml.contract.columns import Array, Columns, columns_of_rows

MOST_ROWS = 200
"""The rows that are scored at once; ONNX Runtime takes about a millisecond for them."""
_MOST_CHECKED, _FEWEST_CHECKED, _CHECKED_VALUES = 400, 50, 300_000  # rows; in a wide table fewer

Score = Callable[[Columns], Array]


class _Waiting(NamedTuple):
    columns: Columns
    rows: int
    scores: asyncio.Future[Array]


def scores_are_independent(bundle: Bundle) -> bool:
    """Return whether some rows have the same scores to the last bit, alone and in other company.

    Trees pass; a product of matrices, or a sigmoid, may round differently when there are more rows. Depending on the
    processor, one score in six shows it, or one in forty.
    """
    columns = _rows_to_compare(bundle)
    rows = np.arange(len(next(iter(columns.values()))))
    alone = np.concatenate([bundle.scores(_chosen(columns, rows[row : row + 1])) for row in rows])
    return all(
        np.array_equal(bundle.scores(_chosen(columns, company)), alone[company])
        for company in (rows, rows[::-1], np.tile(rows, 3)[1:], rows[::2])
    )


def _rows_to_compare(bundle: Bundle) -> Columns:
    """Return rows that differ: the bundle's examples, with other columns at their reference, and with other numbers.

    The numbers lie between the deciles of the training set: few examples, and those at a reference, are too much alike.
    """
    profile, contract = bundle.training_profile(), bundle.contract
    examples = columns_of_rows(bundle.examples()["rows"], contract)
    columns, random = swapped(examples, reference_columns(profile, contract)), np.random.default_rng(0)
    count = max(_FEWEST_CHECKED, min(_MOST_CHECKED, _CHECKED_VALUES // len(columns)))
    columns = _chosen(columns, random.integers(len(next(iter(columns.values()))), size=count))
    for name, column in contract.columns.items():
        if deciles := profile["columns"][name].get("quantiles"):
            numbers = np.interp(random.random(count), np.linspace(0, 1, len(deciles)), deciles)
            columns[name] = (np.round(numbers) if column.type == "integer" else numbers).astype(np.float32)
    return columns


def _chosen(columns: Columns, rows: Array) -> Columns:
    return {name: array[rows] for name, array in columns.items()}


class LoopBatcher:
    """Scores in the event loop, for a model that takes less time than a thread would take to start.

    While requests arrive one by one, each is scored at once. If several arrived in one turn of the loop, the next ones
    wait until the turn's end.
    """

    def __init__(self, score: Score) -> None:
        self._score = score
        self._waiting: list[_Waiting] = []
        self._in_turn, self._crowded = 0, False

    async def scores(self, columns: Columns, rows: int) -> Array:
        """Return the scores of a request's rows, which are `MOST_ROWS` at most."""
        loop = asyncio.get_running_loop()
        if not self._crowded:
            self._in_turn += 1
            if self._in_turn == 1:
                loop.call_soon(self._end_turn)
            return self._score(columns)
        waiting = _Waiting(columns, rows, loop.create_future())
        self._waiting.append(waiting)
        if len(self._waiting) == 1:
            loop.call_soon(self._score_waiting)
        return await waiting.scores

    def _end_turn(self) -> None:
        self._crowded, self._in_turn = self._in_turn > 1, 0

    def _score_waiting(self) -> None:
        self._crowded = len(self._waiting) > 1
        while self._waiting:
            batch = _next_batch(self._waiting)
            _answer(batch, _scores_of(batch, self._score))


class ThreadBatcher:
    """Scores in one thread; the requests that arrive while it is busy are its next batch.

    Args:
        score: returns the scores of columns.
        together: whether requests may be scored together.
    """

    def __init__(self, score: Score, together: bool) -> None:
        self._score, self._together = score, together
        self._waiting: list[_Waiting] = []
        self._thread = ThreadPoolExecutor(1, "scores")
        self._busy: asyncio.Task[None] | None = None

    async def scores(self, columns: Columns, rows: int) -> Array:
        """Return the scores of a request's rows, which are `MOST_ROWS` at most."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(columns, rows, loop.create_future())
        self._waiting.append(waiting)
        if self._busy is None:
            self._busy = loop.create_task(self._score_waiting())
        return await waiting.scores

    async def _score_waiting(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch = _next_batch(self._waiting) if self._together else [self._waiting.pop(0)]
            _answer(batch, await loop.run_in_executor(self._thread, _scores_of, batch, self._score))
        self._busy = None


def _next_batch(waiting: list[_Waiting]) -> list[_Waiting]:
    """Remove and return the first requests, as many as have `MOST_ROWS` together."""
    rows, requests = 0, 0
    for request in waiting:
        rows += request.rows
        if rows > MOST_ROWS:
            break
        requests += 1
    batch = waiting[: requests or 1]
    del waiting[: len(batch)]
    return batch


def _scores_of(batch: list[_Waiting], score: Score) -> list[Array | Exception]:
    """Return the scores of each request, or why it has none: if they fail together, each is scored alone."""
    if len(batch) == 1:
        return [_scores_or_failure(score, batch[0].columns)]
    names = batch[0].columns
    try:
        scores = score({name: np.concatenate([request.columns[name] for request in batch]) for name in names})
    except Exception:
        return [_scores_or_failure(score, request.columns) for request in batch]
    ends = np.cumsum([request.rows for request in batch])
    return list(np.split(scores, ends[:-1]))


def _scores_or_failure(score: Score, columns: Columns) -> Array | Exception:
    try:
        return score(columns)
    except Exception as failure:
        return failure


def _answer(batch: list[_Waiting], results: list[Array | Exception]) -> None:
    for request, result in zip(batch, results, strict=True):
        if request.scores.done():  # the request was cancelled
            continue
        if isinstance(result, Exception):
            request.scores.set_exception(result)
        else:
            request.scores.set_result(result)
