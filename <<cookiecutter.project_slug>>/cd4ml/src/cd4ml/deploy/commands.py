"""A command of a vendor's tool as a value, and the one place that runs commands, prints them, and limits their time."""

import json
import os
import re
import shlex
import subprocess  # lists of arguments only, never a shell
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cd4ml.errors import UserError

READ_SECONDS, READ_TRIES = 120.0, 3
WRITE_SECONDS = 1800.0
_PAUSE_SECONDS = 2.0
_TIMED_OUT = 124  # as timeout(1) exits
_LEFT_OUT = "LEFT-OUT"


class CloudError(UserError):
    """A verb of a cloud cannot go on; the message says what is so and what to do next."""


class UnreadError(CloudError):
    """A command has failed; the message is the line in which the tool says why."""

    def __init__(self, message: str, said: str = "") -> None:
        super().__init__(message)
        self.said = said
        """All that the tool printed to standard error, in which its error codes are."""


@dataclass(frozen=True)
class Command:
    """A command line, without a shell."""

    argv: tuple[str, ...]
    stdin: str | None = field(default=None, repr=False)
    """What it reads; never printed."""
    reads: str = ""
    """The shell's command that prints the same, without secrets: what a dry run has in its place."""
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    """Words of `argv`, or parts of them, that are never printed."""
    variable: str = ""
    """The shell's variable that a dry run has in their place."""
    tries: int = 1
    """How often it is run at most, where it fails."""
    answers: str = ""
    """A regular expression of errors after which it is not run again: whoever is asked has answered with them."""
    passes: str = ""
    """A regular expression of errors that pass, and after which nothing was changed: after no other it is run again."""
    seconds: float = WRITE_SECONDS
    """How long one try may take."""

    def may_succeed(self, said: str) -> bool:
        """Whether another try may succeed after one that failed with this on standard error."""
        if self.passes:
            return re.search(self.passes, said) is not None
        return not (self.answers and re.search(self.answers, said))

    def pasted(self) -> str:
        """Return it as it can be pasted into a shell, its secrets left out; a variable for them has to be set there."""
        words = " ".join(map(self._pasted, self.argv))
        return f"{self.reads} | {words}" if self.reads else words

    def _pasted(self, word: str) -> str:
        for secret in self.secrets if self.variable else ():
            before, found, after = word.partition(secret)
            if found:
                quoted = [shlex.quote(part) if part else "" for part in (before, after)]
                return f'"${{{self.variable}:?}}"'.join(quoted)
        return shlex.quote(self.redacted(word))

    def redacted(self, text: str) -> str:
        """Return a text without this command's secrets and without what it reads."""
        for secret in self.secrets | ({self.stdin} if self.stdin else set()):
            text = text.replace(secret, _LEFT_OUT)
        return text


@dataclass(frozen=True)
class Ended:
    """How a command ended, its secrets left out."""

    code: int
    printed: str
    said: str
    """What it printed to standard error, in which its error codes are."""


class Effects:
    """Runs commands; with `dry_run`, only those that read. `label` begins the lines that say what failed."""

    def __init__(
        self,
        label: str,
        dry_run: bool = False,
        environment: Mapping[str, str] = os.environ,
        tool_environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.label, self.dry_run, self.environment = label, dry_run, environment
        self.tool_environment = tool_environment
        """What commands are given besides this process's own environment."""
        self.changed = False
        """Whether a command that changes something was begun: from then on nobody may say that nothing was changed."""

    @property
    def so_far(self) -> str:
        """How a message goes on after "cannot be read"."""
        return "" if self.changed else ", and nothing was changed"

    def read(self, command: Command) -> Any:
        """Return the JSON that a command prints.

        Raises:
            UnreadError: it failed, or did not print JSON.
        """
        return parsed(command, self.read_text(command))

    def read_text(self, command: Command) -> str:
        """Return what a command prints, without white space around it.

        Raises:
            UnreadError: it failed.
        """
        for left in reversed(range(command.tries)):
            try:
                done = self._captured(command)
            except subprocess.TimeoutExpired:
                raise UnreadError(_too_late(command)) from None
            if done.returncode == 0:
                return done.stdout.strip()
            if not (left and command.may_succeed(done.stderr)):
                break
            if command.passes and left == command.tries - 1:
                self.say(f"waiting, as this passes: {command.redacted(reason(done.stderr))}")
            time.sleep(_PAUSE_SECONDS)
        raise UnreadError(command.redacted(reason(done.stderr)), command.redacted(done.stderr))

    def change_and_read(self, command: Command) -> Any:
        """Run a command that changes something, or print it; return the JSON that it prints, or None.

        It is not run again where it fails, but for errors that pass: whether it changed something is not known then.

        Raises:
            UnreadError: it failed, or did not print JSON.
        """
        if self.dry_run:
            print(command.pasted(), flush=True)
            return None
        self.changed = True
        text = self.read_text(command if command.passes else replace(command, tries=1))
        return parsed(command, text) if text else None

    def change(self, command: Command) -> bool:
        """Run a command that changes something, or print it; return whether it succeeded.

        What it prints goes to standard error.
        """
        if self.dry_run:
            print(command.pasted(), flush=True)
            return True
        self.changed = True
        for left in reversed(range(command.tries)):
            if self.code(command, stdout=2) == 0:
                return True
            if left:
                time.sleep(_PAUSE_SECONDS)
        return False

    def code(self, command: Command, stdout: int | None = None, environment: Mapping[str, str] | None = None) -> int:
        """Run a command that prints for itself, dry run or not; return its exit code."""
        sys.stdout.flush()
        try:
            done = subprocess.run(
                command.argv, input=command.stdin, stdout=stdout, text=True, timeout=command.seconds, check=False,
                env={**os.environ, **self.tool_environment, **(environment or {})},
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            self.say(_too_late(command))
            return _TIMED_OUT
        return done.returncode

    def attempt(self, command: Command) -> Ended:
        """Run a command once, dry run or not; return how it ended."""
        try:
            done = self._captured(command)
        except subprocess.TimeoutExpired:
            return Ended(_TIMED_OUT, "", _too_late(command))
        return Ended(done.returncode, command.redacted(done.stdout).strip(), command.redacted(done.stderr).strip())

    def _captured(self, command: Command) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command.argv, input=command.stdin or "", capture_output=True, text=True, timeout=command.seconds,
            check=False, env={**os.environ, **self.tool_environment},
        )  # fmt: skip

    def say(self, text: str) -> None:
        """Tell a person how it goes, on standard error."""
        print(text, file=sys.stderr, flush=True)

    def output(self, name: str, value: str) -> None:
        """Tell a workflow's later steps."""
        if path := self.environment.get("GITHUB_OUTPUT"):
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(f"{name}={value}\n")


def _too_late(command: Command) -> str:
    return f"{' '.join(command.argv[:4])} took over {command.seconds:.0f} seconds"


def parsed(command: Command, text: str) -> Any:
    """Return the JSON that a command has printed.

    Raises:
        UnreadError: it is none.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise UnreadError(f"{' '.join(command.argv[:4])} did not print JSON") from None


def reason(said: str) -> str:
    """Return the line in which a tool says why it failed: the first that begins with ERROR, else the last."""
    lines = said.strip().splitlines() or ["it does not say why"]
    return next((line for line in lines if line.startswith("ERROR")), lines[-1])
