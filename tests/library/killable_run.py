"""A run of a platform's verb that ends in the middle, before or after one of its writes."""

from typing import Any

from cd4ml.deploy.commands import Effects


class KilledError(BaseException):
    """The process ended in the middle."""


class KillableRun(Effects):
    """Counts writes; `kill` ends the run before or after one, by its number (the first is 1)."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.writes: list[Any] = []
        self.kill: tuple[int, str] | None = None

    def begin_write(self, write: Any) -> None:
        """Note a write, which may be where the run ends.

        Raises:
            KilledError: it does.
        """
        self.writes.append(write)
        self._die("before")

    def end_write(self) -> None:
        """Note that it was done, which may be where the run ends.

        Raises:
            KilledError: it does.
        """
        self._die("after")

    def _die(self, moment: str) -> None:
        if self.kill == (len(self.writes), moment):
            raise KilledError
