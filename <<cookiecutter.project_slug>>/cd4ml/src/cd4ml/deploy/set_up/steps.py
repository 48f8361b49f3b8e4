"""What should be there, as values: how it was found, and the command that makes or mends it. Nothing is run here."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cd4ml.deploy.commands import Command


class Found(StrEnum):
    """How something was found; `made` is what becomes of the missing and of what can be mended."""

    THERE = "there"
    MISSING = "missing"
    WRONG = "wrong"
    OLD = "old"
    NOT_YET = "not yet"


@dataclass(frozen=True)
class Document:
    """A file that a command reads: its name is a word of the command, in whose place stands a temporary file's."""

    name: str
    text: str


@dataclass(frozen=True)
class Kept:
    """A part of the JSON that a command prints, which goes into a file; what such a command prints is never shown."""

    file: str
    path: tuple[str, ...]
    """The names that lead to it."""


@dataclass(frozen=True)
class Step:
    """A row of the table of `bootstrap` and `doctor`."""

    what: str
    name: str
    found: Found
    command: Command | None = None
    """Makes or mends it; None: that is left to whoever reads the row."""
    defect: str = ""
    """What is wrong, in words."""
    document: Document | None = None
    passes: str = ""
    """A regular expression of error codes that pass, besides those that pass for every command of the tool."""
    fails: str = ""
    """What to say where the command fails, if it is not the usual."""
    keeps: tuple[Kept, ...] = ()
    """What of the command's answer is kept: a key that is told only once."""

    @property
    def failure(self) -> str:
        """What to say where the command fails; the tool has said why."""
        if self.fails:
            return self.fails
        if self.found is Found.WRONG:
            return f"{self.what}: {self.defect}, and that could not be fixed (above is why)"
        return f"{self.what} {self.name} could not be made (above is why): fix that and run bootstrap again"


def ensure(what: str, name: str, is_there: bool, command: Command, **more: Any) -> Step:
    """Return a step that makes something unless it is there; `more` are fields of a step."""
    return Step(what, name, Found.THERE if is_there else Found.MISSING, command, **more)


def mend(what: str, defect: str, mended: str, command: Command, document: Document | None = None) -> Step:
    """Return a step that puts right what is wrong."""
    return Step(what, mended, Found.WRONG, command, defect, document)
