"""What was just made is unknown to the next calls that name it, as in a cloud that keeps it in several places."""

from __future__ import annotations

import threading
from collections.abc import Hashable


class Delays:
    """Counts, for each thing that was made, the calls that do not know it yet; with no `calls` all is known at once."""

    def __init__(self) -> None:
        self.calls = 0
        self.met: list[Hashable] = []  # what was unknown to a call
        self._left: dict[Hashable, int] = {}
        self._lock = threading.Lock()

    def made(self, name: Hashable, times: int = 1) -> None:
        """Note that something was made, which stays unknown for so many times the usual number of calls."""
        with self._lock:
            self._left[name] = self.calls * times

    def hide(self, name: Hashable) -> bool:
        """Return whether this call does not know it yet."""
        with self._lock:
            left = self._left.get(name, 0)
            if left:
                self._left[name] = left - 1
                self.met.append(name)
            return left > 0

    def pass_by(self) -> None:
        """Let a while pass: all that was made is known everywhere."""
        with self._lock:
            self._left.clear()

    def reset(self) -> None:
        """Forget everything, and delay nothing."""
        self.pass_by()
        self.calls, self.met = 0, []
