"""What should be there, as values: how it was found, and the command that makes or mends it. Nothing is run here."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from cd4ml.deploy.commands import Command


class Found(StrEnum):
    """How something was found; `made` is what becomes of the missing, of what can be mended, and of what is renewed."""

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
class PrivateFile:
    """A file on this machine that its owner alone can read, in place of something in the cloud."""

    path: Path
    text: str = field(repr=False)


@dataclass(frozen=True)
class Kept:
    """A part of the JSON that a command prints, and the file that gets it, which nobody else may see."""

    file: Path
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
    then: tuple[Command, ...] = ()
    """Run after `command`, in the same row."""
    into: Path | None = None
    """The file that gets what the command prints, which nobody else may see."""
    keeps: tuple[Kept, ...] = ()
    """Instead: the parts of what it prints that files get."""
    tells: bool = False
    """The command prints what it has made, and nothing where that was there."""
    file: PrivateFile | None = None
    """Is written in place of a command."""
    passes: str = ""
    """A regular expression of error codes that pass, besides those that pass for every command of the tool."""
    may_exist: str = ""
    """A regular expression of error codes after which it may be there already: whoever reads it next finds out."""
    fails: str = ""
    """What to say where the command fails, if it is not the usual."""

    @property
    def can_be_taken(self) -> bool:
        """Whether it makes or mends something by itself."""
        return self.command is not None or self.file is not None

    @property
    def failure(self) -> str:
        """What to say where the command fails; the tool has said why."""
        if self.fails:
            return self.fails
        if self.found is Found.WRONG:
            return f"{self.what}: {self.defect}, and that could not be fixed (above is why)"
        if self.found is Found.OLD:
            return f"{self.what} {self.name} could not be replaced (above is why): bootstrap --renew tries it again"
        return f"{self.what} {self.name} could not be made (above is why): fix that and run bootstrap again"


def ensure(what: str, name: str, is_there: bool, command: Command | None = None, **more: Any) -> Step:
    """Return a step that makes something unless it is there; `more` are fields of a step."""
    return Step(what, name, Found.THERE if is_there else Found.MISSING, command, **more)


def mend(what: str, defect: str, mended: str, command: Command, document: Document | None = None) -> Step:
    """Return a step that puts right what is wrong."""
    return Step(what, mended, Found.WRONG, command, defect, document)
