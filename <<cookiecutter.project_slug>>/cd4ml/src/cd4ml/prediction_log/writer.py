"""The queue of the prediction log, and the thread that writes it; no prediction fails because of it."""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from cd4ml.errors import describe
from cd4ml.prediction_log.place import Piece, Place
from cd4ml.prediction_log.record import Answer, Entry

log = logging.getLogger("cd4ml.prediction_log")

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0  # seconds before a failed write is tried again; doubled each time
_REPORTED = 60.0  # seconds between two lines in the service's log while records cannot be written
_HOPELESS = 2.5  # seconds of failed attempts after which a service that stops gives up
_RECORD_BYTES = 2048  # of a record that waits, on average: more of them, and fewer may wait
_LONGEST_WAIT = 2.0  # seconds that a response waits, if records are written before it is sent

_Waiter = tuple[int, asyncio.AbstractEventLoop, "asyncio.Future[None]"]


class PredictionLog:
    """Takes entries from the event loop, and writes them in batches from a thread of its own.

    Every counter is changed by one thread only, so that none needs a lock: `_appended`, `_appended_bytes` and
    `_refused` by the event loop, the others by the writer.
    """

    def __init__(
        self, place: Place, interval: float, batch: int, queue: int, clock: Callable[[], int] = time.time_ns
    ) -> None:
        """Make a log that is written to a place.

        Args:
            place: where to.
            interval: seconds between two writes.
            batch: records in a file; as many are written before the interval is over.
            queue: records that may wait, of 2 kB each on average; beyond it they are dropped.
            clock: returns the time of a record, in nanoseconds since 1970, UTC.
        """
        self._place, self._interval, self._limit, self._clock = place, interval, queue, clock
        self._batch = min(batch, queue)
        self._queue: deque[Entry] = deque()
        self._waiters: deque[_Waiter] = deque()
        self._appended = self._refused = self._appended_bytes = 0
        self._taken = self._done = self._lost = self._taken_bytes = self._done_bytes = 0
        self.written = 0
        """Records that were written."""
        self.failed = 0
        """Attempts to write that failed."""
        self._failing_since: float | None = None
        self._late = False  # a response has waited in vain, and nothing was written since
        self._reported, self._reported_dropped = -_REPORTED, 0
        self._wake, self._closing, self._prepared = threading.Event(), threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def dropped(self) -> int:
        """Records that were not written, and will not be: the queue was full, or the service had to stop."""
        return self._refused + self._lost

    @property
    def waiting(self) -> int:
        """Records that are still to be written."""
        return self._appended - self._done

    def start(self) -> None:
        """Start the thread, if this process has not; a fork does not take it along."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="prediction log", daemon=True)
            self._thread.start()

    def wait_until_prepared(self, seconds: float) -> None:
        """Wait until the first record can be written, but no longer than `seconds`."""
        self._prepared.wait(seconds)

    def append(self, request_id: str, kind: str, answer: Answer) -> None:
        """Queue the records of a response, or drop and count them if too many wait already."""
        rows = len(answer.predictions)
        if self._thread is None:  # a server that has no lifespan events
            self.start()
        waiting = self._appended - self._done + rows
        others = self._appended_bytes - self._done_bytes
        size = others + answer.size
        if waiting > self._limit or (others and size > self._limit * _RECORD_BYTES):
            self._refused += rows
            return
        self._queue.append(Entry(self._clock(), request_id, kind, answer))
        self._appended += rows
        self._appended_bytes += answer.size
        if (waiting >= self._batch or size >= self._batch * _RECORD_BYTES) and not self._wake.is_set():
            self._wake.set()

    async def flushed(self) -> None:
        """Wait until what was appended so far is written; not if it cannot be written just now, and never for long."""
        if self._failing_since is not None or self._late:
            return
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._waiters.append((self._appended, loop, future))
        self._wake.set()
        if not (await asyncio.wait([future], timeout=_LONGEST_WAIT))[0]:
            self._late = True

    def close(self, seconds: float) -> None:
        """Write what waits, for at most `seconds`, and stop; report what could not be written.

        If attempts fail, it gives up after a short time, as the service would rather stop.
        """
        self._closing.set()
        self._wake.set()
        started = now = time.monotonic()
        while self._thread is not None and self._thread.is_alive() and now - started < seconds:
            if self._failing_since is not None and now - max(started, self._failing_since) > _HOPELESS:
                break
            self._thread.join(0.1)
            now = time.monotonic()
        if left := self.waiting:
            self._lost += left
            log.error("%s: %s lost, as the service stops and they cannot be written", self._place.name, _records(left))

    def _run(self) -> None:
        try:
            self._place.prepare()
        except Exception as failure:
            log.warning(
                "%s cannot be reached: %s; predictions are made all the same", self._place.name, _reason(failure)
            )
        self._prepared.set()
        due = time.monotonic()
        while not self._closing.is_set():
            due = max(due + self._interval, time.monotonic())
            self._wake.wait(max(0.0, due - time.monotonic()))
            if self._wake.is_set():
                due = time.monotonic()
            self._wake.clear()
            self._write_queue()
        self._write_queue()

    def _write_queue(self) -> None:
        """Write what waits, in batches; what comes meanwhile is of the next time, or there would be a file for each."""
        until = self._appended
        while self._queue and (self._taken < until or self._closing.is_set()):
            entries = self._take()
            try:
                pieces = deque(self._place.encode(entries))
            except Exception:
                log.exception("%s: records that cannot be encoded are lost", self._place.name)
                self._lost += self._taken - self._done
                self._reported_dropped += self._taken - self._done
                self._done, self._done_bytes = self._taken, self._taken_bytes
            else:
                self._write(pieces)
                self.written += self._taken - self._done
                self._done, self._done_bytes = self._taken, self._taken_bytes
                self._recover()
            self._late = False
            self._release()
        self._release()
        self._report_dropped()

    def _take(self) -> Sequence[Entry]:
        """Take the oldest entries from the queue: a batch of records, or one entry that has more."""
        entries: list[Entry] = []
        rows = 0
        while self._queue and (not entries or rows + len(self._queue[0].answer.predictions) <= self._batch):
            entry = self._queue.popleft()
            rows += len(entry.answer.predictions)
            entries.append(entry)
        self._taken += rows
        self._taken_bytes += sum(entry.answer.size for entry in entries)
        return entries

    def _write(self, pieces: deque[Piece]) -> None:
        """Write pieces, each again until it succeeds; nothing else ends this but the end of the process."""
        pause = _FIRST_PAUSE
        while pieces:
            try:
                self._place.write(pieces[0])
            except Exception as failure:
                self.failed += 1
                self._report_failure(failure)
                self._release()
                # while the service stops there is little time, and an attempt may be the last
                time.sleep(0.1) if self._closing.is_set() else self._closing.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            else:
                pieces.popleft()
                pause = _FIRST_PAUSE

    def _release(self) -> None:
        """Let the responses be sent that wait for records which are written, or cannot be just now."""
        failing = self._failing_since is not None
        while self._waiters and (failing or self._waiters[0][0] <= self._done):
            _, loop, future = self._waiters.popleft()
            try:
                loop.call_soon_threadsafe(_finish, future)
            except RuntimeError:  # the event loop has ended
                continue

    def _report_failure(self, failure: Exception) -> None:
        now = time.monotonic()
        if self._failing_since is None:
            self._failing_since = now
            self._reported = -_REPORTED
        if now - self._reported < _REPORTED:
            return
        self._reported, self._reported_dropped = now, self.dropped
        log.warning(
            "%s cannot be written: %s; %s, %s dropped so far; it is tried again",
            self._place.name,
            _reason(failure),
            f"{_records(self.waiting)} waiting",
            f"{self.dropped:,}",
        )

    def _recover(self) -> None:
        if self._failing_since is None:
            return
        seconds = time.monotonic() - self._failing_since
        self._failing_since, self._reported_dropped = None, self.dropped
        log.warning(
            "%s is written again, after %.0f s; %s dropped so far", self._place.name, seconds, f"{self.dropped:,}"
        )

    def _report_dropped(self) -> None:
        """Report records that were dropped although writing works: they came faster than they are written."""
        now = time.monotonic()
        if self.dropped > self._reported_dropped and now - self._reported >= _REPORTED:
            more, self._reported, self._reported_dropped = self.dropped - self._reported_dropped, now, self.dropped
            log.warning("%s: %s dropped, as more came than can be written", self._place.name, _records(more))


def _finish(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


def _records(count: int) -> str:
    return f"{count:,} record{'' if count == 1 else 's'}"


def _reason(failure: Exception) -> Any:
    """Return a failure in one line."""
    if isinstance(failure, OSError) and failure.strerror:
        return failure.strerror
    return describe(failure)[:300]
