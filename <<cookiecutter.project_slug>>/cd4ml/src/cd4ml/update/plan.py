"""From the template's files before and after, and the project's, to what is merged and what is left alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cd4ml.update.ownership import Owner, is_of_the_example, is_what_the_example_is, owner_of


@dataclass(frozen=True)
class Entry:
    """A file in git: its mode, and the id of its content."""

    mode: str
    blob: str


Tree = Mapping[str, Entry]
"""Files by their paths, relative to the project's folder."""


@dataclass(frozen=True)
class Situation:
    """All that decides what happens to a file."""

    old: Tree
    """As generated from the template that the project was made from."""
    new: Tree
    """As generated from the template that it is brought to."""
    ours: Tree
    """As the project has it."""
    moved: Mapping[str, str] = field(default_factory=dict)
    """Where the team moved generated files to, by the path that they were generated with."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Where the template moved generated files to, by the path that it generated them with before."""
    has_library: bool = True
    """Whether the library is the folder cd4ml/; else it comes from a package index."""

    @property
    def is_the_example(self) -> bool:
        """Whether the table, the features and the model are those of the template's newer example."""
        return all(self.ours.get(path) == entry for path, entry in self.new.items() if is_what_the_example_is(path))


@dataclass(frozen=True)
class Plan:
    """What git is to merge."""

    base: dict[str, Entry]
    theirs: dict[str, Entry]
    left: dict[str, str]
    """Files that the template changed, and an update leaves alone: by path, why."""


def make_plan(now: Situation) -> Plan:
    """Return what is merged: for a file that is left alone, neither side has it.

    A file that the template moved is merged where the team has moved it to, if it has, and else where it is new.
    """
    base, theirs, left = dict(now.old), dict(now.new), {}
    for path in sorted(now.old.keys() | now.new.keys()):
        if owner_of(path) is Owner.RECORD:
            base.pop(path, None)
            theirs.pop(path, None)
        elif reason := reason_to_leave(path, now):
            base.pop(path, None)
            theirs.pop(path, None)
            if now.old.get(path) != now.new.get(path):
                left[path] = reason
        elif owner_of(path) is Owner.LIBRARY and is_deleted(path, now):
            base.pop(path, None)  # it comes back: without it the library is broken
    for path, renamed in now.renamed.items():
        if path in base and path in now.moved and renamed in theirs:
            theirs[path] = theirs.pop(renamed)
    return Plan(base, theirs, left)


def reason_to_leave(path: str, now: Situation) -> str:
    """Return why an update leaves a file alone; empty if it is merged."""
    old, new = now.old.get(path), now.new.get(path)
    ours = now.ours.get(now.moved.get(path, path))
    owner = owner_of(path)
    edited = ours is not None and ours != old
    if owner is Owner.TEAM:
        return "yours"
    if owner is Owner.LIBRARY and not now.has_library:
        return "the library comes from a package index"
    if owner is Owner.LIBRARY:
        return reason_to_keep(path, now)
    if is_deleted(path, now):
        return "deleted here"
    if is_of_the_example(path) and new is not None and not now.is_the_example:
        return "of the newer example, which is not yours"
    if reason := reason_to_keep(path, now):
        return reason
    if edited and owner is Owner.TEAM_ONCE_EDITED and ours != new:
        return "edited here"
    return ""


def reason_to_keep(path: str, now: Situation) -> str:
    """Return why the team keeps a file that the template has dropped; empty if it goes, or the template has it."""
    place = now.moved.get(path, path)
    if path not in now.old or path in now.new or place not in now.ours:
        return ""
    renamed = now.renamed.get(path)
    is_followed = renamed is not None and not reason_to_leave(renamed, now)
    if now.ours[place] != now.old[path]:
        is_merged = is_followed and owner_of(path) in (Owner.LIBRARY, Owner.TEMPLATE)
        return "" if is_merged else "edited here, and the template has dropped it"
    return "moved here, and the template has dropped it" if place != path and not is_followed else ""


def is_deleted(path: str, now: Situation) -> bool:
    """Return whether the team deleted a file that was generated; one that it moved is not deleted."""
    return path in now.old and now.moved.get(path, path) not in now.ours


def edited_library(now: Situation) -> list[str]:
    """Return the files of the library that the team has edited, if the template has changed the library, too."""
    old, new, ours = (
        {path: entry for path, entry in files.items() if owner_of(path) is Owner.LIBRARY}
        for files in (now.old, now.new, now.ours)
    )
    return sorted(path for path in old if path in ours and ours[path] != old[path]) if old != new else []
