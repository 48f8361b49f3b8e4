"""A cloud and a repository on GitHub without a process: how their command lines are asked, and runs are killed."""

import json
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from cd4ml.deploy.commands import Command, Ended, UnreadError, parsed
from github_in_memory import Json, RefusedError
from killable_run import KillableRun


class AskedInMemory(KillableRun):
    """Reads what `attempt` prints."""

    def read_text(self, command: Command) -> str:
        ended = self.attempt(command)
        if ended.code:
            raise UnreadError(ended.said, ended.said)
        return ended.printed

    def read(self, command: Command) -> Any:
        return parsed(command, self.read_text(command))


class CloudInMemory(AskedInMemory):
    """Answers a vendor's tool and gh. `state` is all that is kept; another run of the same cloud takes it over."""

    state: Json

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.refuses: Callable[[tuple[str, ...]], str] = lambda _argv: ""
        """Why a command is refused: what `_refusal` is made of; empty where it is not."""
        self.calls: list[tuple[str, ...]] = []

    def attempt(self, command: Command) -> Ended:
        self.calls.append(command.argv)
        before = json.dumps(self.state)
        try:
            if refusal := self.refuses(command.argv):
                raise RefusedError(refusal)
            if self._is_write(command.argv):
                self.begin_write(command.argv)
            printed = self._answer(command.argv, command.stdin or "")
        except RefusedError as refusal:
            assert json.dumps(self.state) == before
            return self._refusal(command.argv, str(refusal))
        if self._is_write(command.argv):
            self.end_write()
        return Ended(0, printed if isinstance(printed, str) else json.dumps(printed), "")

    @abstractmethod
    def _is_write(self, argv: tuple[str, ...]) -> bool:
        """Return whether a command changes something."""

    @abstractmethod
    def _answer(self, argv: tuple[str, ...], stdin: str) -> Any:
        """Return what a command prints: text, or what is printed as JSON."""

    @abstractmethod
    def _refusal(self, argv: tuple[str, ...], refusal: str) -> Ended:
        """Return how the tool fails."""
