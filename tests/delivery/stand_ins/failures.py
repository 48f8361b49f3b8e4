"""What goes wrong on request: calls of the Run API that fail, and answers of a revision that turn into errors."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Fault = Literal["error", "wrong"]  # with status 500; with 200, and other numbers


@dataclass
class Failures:
    """The faults that a test has ordered."""

    faults: dict[str, Fault] = field(default_factory=dict)  # by the digest of an image: its answers to /predict
    status: int = 403  # of a write that fails; gcloud asks again by itself, for half a minute, after a 500
    _writes: int = 0
    _fail: Callable[[int], bool] = field(default_factory=lambda: _never)
    _after: Callable[[int], object] = field(default_factory=lambda: _never)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fail_write(self, number: int) -> None:
        """Let the n-th write to the Run API from now on, counted from 1, fail."""
        with self._lock:
            self._writes, self._fail = 0, lambda write: write == number

    def fail_writes_from(self, number: int) -> None:
        """Let the n-th write and all that follow fail."""
        with self._lock:
            self._writes, self._fail = 0, lambda write: write >= number

    def after_write(self, number: int, act: Callable[[], object]) -> None:
        """Do something when the n-th write from now on has taken effect, before its caller hears of it."""
        with self._lock:
            self._writes, self._after = 0, lambda write: _when(write == number, act)

    def none(self) -> None:
        """Let everything work again."""
        with self._lock:
            self._fail, self._after = _never, _never
        self.faults.clear()

    def hits_this_write(self) -> bool:
        """Count a write to the Run API; return whether it is one to fail."""
        with self._lock:
            self._writes += 1
            return self._fail(self._writes)

    def write_is_done(self) -> None:
        """Do what was ordered for after this write."""
        self._after(self._writes)


def _never(_: int) -> bool:
    return False


def _when(due: bool, act: Callable[[], object]) -> None:
    if due:
        act()
