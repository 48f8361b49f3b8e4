"""Run commands again, within a bound, while their errors are such as pass: told by the codes of the vendor's tool.

What was just made is not known everywhere at once, an API that was just enabled is refused for a while, and limits of
requests pass.
"""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cd4ml.deploy.commands import CloudError, Command, Effects, Ended, UnreadError, parsed, reason
from cd4ml.deploy.names import SCRIPT

_NEVER = r"(?!)"
_LONGEST_REASON = 300  # characters


class RefusedError(CloudError):
    """A command has failed for a reason that does not pass, which it has said itself."""


class Removed(StrEnum):
    """What became of something that was to be removed."""

    NOW = "removed"
    BEFORE = "gone"
    NOT = "failed"


@dataclass(frozen=True)
class Codes:
    """Regular expressions of the codes in the errors of a vendor's tool."""

    absent: str = _NEVER
    """There is no such thing."""
    disabled: str = _NEVER
    """There cannot be such a thing yet."""
    exists: str = _NEVER
    """There is such a thing already."""
    passes: str = _NEVER
    """The same command may succeed soon."""
    unknown: str = _NEVER
    """What was just made is not known yet: a change may succeed soon, and what reads finds nothing."""


_NO_CODES = Codes()


class Patience:
    """The effects of setting up, with patience. `verb` is what to run again where that is not enough.

    With `once`, nothing is read again, as nothing was made that would have to become known.

    Raises:
        CloudError: INSIST_PAUSE or INSIST_PATIENCE is not a whole number of seconds.
    """

    def __init__(self, effects: Effects, codes: Mapping[str, Codes], verb: str, once: bool = False) -> None:
        self.effects, self.codes, self.verb, self.once = effects, codes, verb, once or effects.dry_run
        self.pause, self.bound = (
            _seconds(effects, name, default) for name, default in (("INSIST_PAUSE", 5), ("INSIST_PATIENCE", 180))
        )

    def change(self, command: Command, passes: str = "") -> bool:
        """Run a command that changes something, or print it; return whether what it makes was there.

        Raises:
            RefusedError: it failed; the tool's words are on standard error.
            CloudError: it failed for the whole time with an error that passes.
        """
        printed = self.make(command, passes)
        if printed:
            self.effects.say(printed)
        return printed is None

    def make(self, command: Command, passes: str = "", may_exist: str = "") -> str | None:
        """Run a command that changes something, or print it; return what it printed, or None where it was there.

        With `may_exist`, errors that it matches are told, and taken for that as well.

        Raises:
            RefusedError: as `change`.
            CloudError: as `change`.
        """
        if self.effects.dry_run:
            self.effects.change(command)
            return ""
        self.effects.changed = True
        codes = self._codes(command)
        ended = self._run(command, codes, "|".join(filter(None, (passes, codes.unknown))))
        if ended.code and re.search(codes.exists, ended.said):
            return None
        if ended.said:
            self.effects.say(ended.said)
        if ended.code and may_exist and re.search(may_exist, ended.said):
            return None
        if ended.code:
            raise RefusedError(_why(ended))
        return ended.printed

    def look(self, command: Command, what: str, unread: str = "", passes: str = "") -> Any:
        """Find something, as `find`; `unread` is how a message goes on after `what`, where it cannot be read.

        Raises:
            CloudError: it cannot be read.
        """
        try:
            return self.find(command, passes)
        except UnreadError as failure:
            raise CloudError(f"{what} {unread or f'cannot be read{self.effects.so_far}'}: {failure}") from None

    def find(self, command: Command, passes: str = "") -> Any:
        """Return the JSON that a command prints; None where there is no such thing.

        With `passes`, errors that it matches pass as well, even that there is no such thing.

        Raises:
            UnreadError: it failed for another reason.
            CloudError: it failed for the whole time with an error that passes.
        """
        codes = self._codes(command)
        ended = self._run(command, _NO_CODES) if self.once else self._run(command, codes, passes)
        if not ended.code:
            return parsed(command, ended.printed)
        if re.search(f"{codes.absent}|{codes.disabled}", ended.said):
            return None
        raise UnreadError(_why(ended), ended.said)

    def remove(self, command: Command, hints: Sequence[tuple[str, str]] = ()) -> Removed:
        """Run a command that removes something; return whether it has.

        What it says, where it fails for another reason than that, goes to standard error, and then what to do about
        it: `hints` are regular expressions of codes, and words.
        """
        codes = self._codes(command)
        self.effects.changed = True
        ended = self._run(command, _NO_CODES)
        if not ended.code:
            return Removed.NOW
        if re.search(f"{codes.absent}|{codes.disabled}", ended.said):
            return Removed.BEFORE
        self.effects.say("\n".join(ended.said.splitlines()[-2:]))
        for hint in (words for code, words in hints if re.search(code, ended.said)):
            self.effects.say(f"{self.effects.label}: {hint}")
        return Removed.NOT

    def until(self, is_so: Callable[[], bool]) -> bool:
        """Ask again until something is so; return whether it is, at last."""
        begun = time.monotonic()
        while not (so := is_so()) and time.monotonic() - begun < self.bound:
            time.sleep(self.pause)
        return so

    def _run(self, command: Command, codes: Codes, passes: str = "") -> Ended:
        """Run it until it succeeds, or fails for a reason that does not pass, as often as it is to be tried."""
        passing = re.compile("|".join(filter(None, (codes.passes, codes.disabled, passes))))
        begun, told, left = time.monotonic(), False, command.tries
        while True:
            ended = self.effects.attempt(command)
            if not ended.code:
                return ended
            if not passing.search(ended.said):
                left -= 1
                if not (left and command.may_succeed(ended.said)):
                    return ended
                time.sleep(self.pause)
                continue
            if time.monotonic() - begun >= self.bound:
                again = f"run {SCRIPT} {self.verb} again in a few minutes"
                raise CloudError(f"for {self.bound} s: {_why(ended)}; that passes: {again}")
            if not told:
                self.effects.say(f"waiting, as this passes: {_why(ended)}")
            told = True
            time.sleep(self.pause)

    def _codes(self, command: Command) -> Codes:
        return self.codes.get(command.argv[0], Codes())


def _seconds(effects: Effects, name: str, default: int) -> int:
    given = effects.environment.get(name) or str(default)
    if not re.fullmatch(r"[0-9]{1,5}", given):
        raise CloudError(f"{name} is a whole number of seconds")
    return int(given)


def _why(ended: Ended) -> str:
    return reason(ended.said)[:_LONGEST_REASON]
