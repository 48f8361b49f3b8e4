"""Compare versions as tags write them: `v7.0.1`, `0.13.8`, `17.6`, `3.12-slim`."""

from __future__ import annotations

import re
from dataclasses import dataclass

_WRITTEN = re.compile(r"(?P<prefix>v?)(?P<numbers>\d+(?:\.\d+)*)(?P<suffix>-[\w.-]+)?")


@dataclass(frozen=True)
class Version:
    """A tag that begins with numbers."""

    prefix: str
    """`v`, or nothing."""
    numbers: tuple[int, ...]
    suffix: str
    """What follows the numbers, such as `-slim`, or nothing."""

    @property
    def shape(self) -> tuple[str, int, str]:
        """Everything but the numbers: tags of one shape differ in nothing else."""
        return self.prefix, len(self.numbers), self.suffix

    @property
    def is_release(self) -> bool:
        """Whether nothing follows the numbers, which are more than one: no pre-release, and no tag that moves."""
        return not self.suffix and len(self.numbers) > 1


def parsed(text: str) -> Version | None:
    """Return the version that a tag is, or None if it does not begin with numbers."""
    found = _WRITTEN.fullmatch(text)
    if not found:
        return None
    return Version(found["prefix"], tuple(map(int, found["numbers"].split("."))), found["suffix"] or "")


def order(text: str) -> tuple[int, ...]:
    """Return what versions are sorted by; a text that is no version comes first."""
    version = parsed(text)
    return version.numbers if version else ()


def as_written(new: str, old: str) -> str:
    """Return a version with a `v` before it, or without one, as the old one is written."""
    return ("v" if old.startswith("v") else "") + new.removeprefix("v")
