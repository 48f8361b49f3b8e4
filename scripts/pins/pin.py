"""Find pins in a text, and write other versions into it. Nothing here reads a file or asks anybody."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scripts.pins.lookup import Lookup


@dataclass(frozen=True)
class Subject:
    """What is released: all pins of one subject get the same version."""

    source: str
    """Where its versions are looked up: github, registry, pypi, npm or lock; `fixed` if it is not to be renewed."""
    name: str
    current: str = ""
    """For a registry: the tag, as only tags of its shape are compared."""
    held: int = 0
    """For a registry: how many of the first numbers stay as they are."""


@dataclass(frozen=True)
class Kind:
    """One way to write a pin."""

    name: str
    pattern: re.Pattern[str]
    """With a group `version`, which may be absent, and further groups that change with it. An empty group is filled."""
    subject: Callable[[re.Match[str]], Subject]
    along: Callable[[Lookup, re.Match[str], str], Mapping[str, str]] = lambda *_: {}
    """Return the new texts of the further groups, by their names, for a version."""
    files: str = "*"
    """Where it is looked for: a pattern of a path in the repository."""


@dataclass(frozen=True)
class Pin:
    """A pin in a file."""

    kind: Kind
    path: str
    match: re.Match[str]

    @property
    def subject(self) -> Subject:
        """What is pinned."""
        return self.kind.subject(self.match)

    @property
    def version(self) -> str:
        """The version as it is written here; empty if only a commit is."""
        return self.match["version"] or ""

    @property
    def is_incomplete(self) -> bool:
        """Whether something belongs to it that is not written yet, such as a checksum."""
        return "" in self.match.groupdict().values()


def find(kinds: Iterable[Kind], path: str, text: str) -> list[Pin]:
    """Return the pins in a file's text, in the order in which they stand there."""
    pins = [
        Pin(kind, path, match) for kind in kinds if fnmatch(path, kind.files) for match in kind.pattern.finditer(text)
    ]
    return sorted(pins, key=lambda pin: pin.match.start())


def rewritten(text: str, changes: Iterable[tuple[Pin, Mapping[str, str]]]) -> str:
    """Return the text in which the pins were found, with other texts for some of their groups."""
    edits = {pin.match.span(group): new for pin, groups in changes for group, new in groups.items()}
    for (start, end), new in sorted(edits.items(), reverse=True):
        if start >= 0:  # a group that is absent has nothing to be replaced
            text = text[:start] + new + text[end:]
    return text
