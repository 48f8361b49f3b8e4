"""Show what moved, and what could not be looked up, as tables in Markdown that people can read as they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_SHOWN = 2  # files of one line


@dataclass(frozen=True, order=True)
class Move:
    """A version that was replaced in a file."""

    name: str
    was: str
    now: str
    where: str


@dataclass(frozen=True, order=True)
class Kept:
    """A version that stays, because the newest one could not be looked up."""

    name: str
    version: str
    reason: str


def moved(moves: Iterable[Move]) -> str:
    """Return the table of what moved: a line for each name and version, with the files."""
    files: dict[tuple[str, str, str], list[str]] = {}
    for move in sorted(set(moves)):
        files.setdefault((move.name, move.was, move.now), []).append(move.where)
    if not files:
        return "nothing moved\n"
    return _table(("name", "was", "is", "where"), [(*key, _some(where)) for key, where in files.items()])


def not_moved(kept: Iterable[Kept]) -> str:
    """Return the table of what could not be looked up; nothing if there is no such thing."""
    lines = [(each.name, each.version, f"no answer: {each.reason}") for each in sorted(set(kept))]
    return _table(("kept", "is", "why"), lines) if lines else ""


def _some(files: list[str]) -> str:
    rest = len(files) - _SHOWN
    return ", ".join(files[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _table(head: tuple[str, ...], lines: Sequence[tuple[str, ...]]) -> str:
    """Return lines under a head, each column as wide as its longest cell; the last one is not filled."""
    cells = [tuple(cell.replace("|", "/").replace("\n", " ") for cell in line) for line in lines]
    widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
    rows = [head, (*("-" * width for width in widths[:-1]), "---"), *cells]
    return "".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, (*widths[:-1], 0), strict=True)) + " |\n"
        for row in rows
    )
