"""Look up every pin, and say which texts follow from the answers. Nothing is written here."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scripts.pins.kinds import KINDS, newest
from scripts.pins.lookup import Lookup, NoAnswer
from scripts.pins.pin import Pin, Subject, find, rewritten
from scripts.pins.table import Kept, Move
from scripts.pins.versions import as_written, order

NOT_READ = ("uv.lock", "package-lock.json", "CHANGELOG.md")
"""Files with versions that are not pins to be renewed: they are made by tools, or tell of the past."""


@dataclass
class Renewed:
    """What follows from the answers."""

    texts: dict[str, str] = field(default_factory=dict)
    """The files that change, by their paths in the repository."""
    moves: list[Move] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)


def tracked(root: Path) -> dict[str, str]:
    """Return the text of each file that git knows, by its path; those that are not text are left out."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True).stdout
    texts = {}
    for path in listed.split("\0"):
        file = root / path
        if not path or file.name in NOT_READ or file.is_symlink() or not file.is_file():
            continue
        try:
            texts[path] = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return texts


def renewed(texts: Mapping[str, str], lookup: Lookup, fixed: Callable[[Pin], bool] = lambda _: False) -> Renewed:
    """Return the texts with the newest versions; `fixed` pins stay as they are.

    A subject of which anything cannot be looked up keeps its version everywhere, and the others move.
    """
    result = Renewed()
    changes: dict[str, list[tuple[Pin, Mapping[str, str]]]] = {}
    for subject, pins in _by_subject(texts, fixed).items():
        was = max((pin.version for pin in pins), key=order)
        try:
            version = newest(lookup, subject)
            found = [(pin, _groups(lookup, pin, version)) for pin in pins if _is_behind(pin, version, was)]
        except NoAnswer as reason:
            result.kept.append(Kept(subject.name, was, str(reason)))
            continue
        for pin, groups in found:
            changes.setdefault(pin.path, []).append((pin, groups))
            if pin.version and as_written(version, pin.version) != pin.version:
                result.moves.append(Move(subject.name, pin.version, as_written(version, pin.version), pin.path))
    for path, edits in changes.items():
        if (text := rewritten(texts[path], edits)) != texts[path]:
            result.texts[path] = text
    return result


def _by_subject(texts: Mapping[str, str], fixed: Callable[[Pin], bool]) -> dict[Subject, list[Pin]]:
    subjects: dict[Subject, list[Pin]] = {}
    for path, text in texts.items():
        for pin in find(KINDS, path, text):
            if pin.subject.source != "fixed" and not fixed(pin):
                subjects.setdefault(pin.subject, []).append(pin)
    return subjects


def _is_behind(pin: Pin, version: str, was: str) -> bool:
    """Whether a pin is to be written anew: the version is another one, or something is missing of it.

    A version is not lowered, unless it has to be that of a lock file. A commit without a version follows the others.
    """
    if pin.subject.source != "lock" and order(version) < order(pin.version or was):
        return False
    return pin.is_incomplete or order(version) != order(pin.version or was)


def _groups(lookup: Lookup, pin: Pin, version: str) -> Mapping[str, str]:
    written = {"version": as_written(version, pin.version)} if pin.version else {}
    return {**written, **pin.kind.along(lookup, pin.match, version)}
