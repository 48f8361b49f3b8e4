"""What was just made is unknown to the next calls that name it, as in a cloud that keeps it in several places."""

from __future__ import annotations


class Delays:
    """Counts, for each thing that was made, the calls that do not know it yet; with no `calls` all is known at once."""

    def __init__(self) -> None:
        self.calls = 0
        self.met: list[str] = []  # what was unknown to a call
        self._left: dict[str, int] = {}

    def made(self, name: str, times: int = 1) -> None:
        """Note that something was made, which stays unknown for so many times the usual number of calls."""
        self._left[name] = self.calls * times

    def hide(self, name: str) -> bool:
        """Return whether this call does not know it yet."""
        left = self._left.get(name, 0)
        if left:
            self._left[name] = left - 1
            self.met.append(name)
        return left > 0

    def pass_by(self) -> None:
        """Let a while pass: all that was made is known everywhere."""
        self._left.clear()
