"""Score parts on all cores: in a pool of processes, each with the bundle and one thread, or here if one is enough."""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from cd4ml.batch.arrow_columns import TextFormat
from cd4ml.batch.parts import Parts
from cd4ml.batch.scorer import Scorer
from cd4ml.bundle.bundle import Bundle
from cd4ml.errors import UserError
from cd4ml.pipeline.orphan_watchdog import stop_with_parent


@dataclass(frozen=True)
class Task:
    """What every part of a run has in common."""

    bundle: Path
    kept: tuple[str, ...]
    text: TextFormat
    parts: Parts


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def score_parts(tables: Iterator[pa.Table], task: Task, workers: int) -> Iterator[int]:
    """Score each table as a part, unless that part is finished; yield the parts' numbers in order, each when it is.

    Raises:
        UserError: the rows or the bundle cannot be scored, or a process was ended.
    """
    waiting: deque[tuple[int, Future[None] | None]] = deque()
    row = 0
    with _executor(task, workers) as executor:
        for number, table in enumerate(tables):
            finished = task.parts.has(number)
            waiting.append((number, None if finished else executor.submit(_score, number, _packed(table), row)))
            row += table.num_rows
            while len(waiting) > 2 * workers:  # enough for every process, and no more, since they are in memory
                yield _finished(*waiting.popleft())
        while waiting:
            yield _finished(*waiting.popleft())


def _finished(number: int, future: "Future[None] | None") -> int:
    if future is not None:
        try:
            future.result()
        except BrokenProcessPool:
            raise UserError(
                "a process that scores was ended, perhaps for want of memory; run it again to go on from here, with "
                "fewer processes: --workers 1"
            ) from None
    return number


def _packed(table: pa.Table) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue()


_prepared: tuple[Task, Scorer] | None = None  # in each process


def _prepare(task: Task) -> None:
    global _prepared
    _prepared = task, Scorer(Bundle.load(task.bundle), task.kept, task.text)


def _score(number: int, packed: pa.Buffer, first_row: int) -> None:
    assert _prepared is not None  # noqa: S101 - the executor prepares before it submits
    task, scorer = _prepared
    task.parts.write(number, scorer.score(pa.ipc.open_stream(packed).read_all(), first_row))


class _Here(Executor):
    """Runs each task in this process, at once."""

    def submit(self, function: Any, /, *arguments: Any, **named: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        future.set_result(function(*arguments, **named))
        return future


@contextmanager
def _executor(task: Task, workers: int) -> Iterator[Executor]:
    if workers == 1:
        _prepare(task)
        yield _Here()
        return
    spawn = multiprocessing.get_context("spawn")  # a fork would copy the threads' locks of the libraries
    executor = ProcessPoolExecutor(workers, spawn, _prepare_process, (task,))
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


def _prepare_process(task: Task) -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # for scikit-learn; ONNX Runtime has one thread anyway
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, too, which then ends the pool
    stop_with_parent()
    pa.set_cpu_count(1)
    _prepare(task)
