"""What was just made is unknown to some of the next calls: AWS is eventually consistent, moto is not."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass
class Delays:
    """How many calls about something new do not know it yet; 0 until a test wants a first day."""

    calls: int = 0
    hidden: int = 0  # calls that were answered so
    _left: dict[tuple[str, str], int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def made(self, kind: str, name: str) -> None:
        """Something was made: a user, role, key, policies, provider or secret."""
        with self._lock:
            if self.calls:
                self._left[kind, name] = self.calls

    def hides(self, kind: str, name: str) -> bool:
        """Count a call about something; return whether it does not know it yet."""
        with self._lock:
            left = self._left.get((kind, name), 0)
            if left:
                self._left[kind, name] = left - 1
                self.hidden += 1
            return left > 0

    def time_passes(self) -> None:
        """By now everything is known everywhere."""
        with self._lock:
            self._left.clear()

    def reset(self) -> None:
        """Forget everything, and delay nothing."""
        self.time_passes()
        self.calls = self.hidden = 0
