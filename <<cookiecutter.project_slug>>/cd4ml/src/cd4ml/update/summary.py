"""What an update does, as lines for a terminal, as Markdown for a pull request, and as JSON for a workflow."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from cd4ml.terminal.output import align
from cd4ml.update.new_params import Proposal
from cd4ml.update.ownership import Owner, owner_of
from cd4ml.update.template import numbers

_HEADING = re.compile(r"^## \[?v?(\d+(?:\.\d+){1,2}[^\s\]]*).*$", re.MULTILINE)
_SECTION = re.compile(r"^## ", re.MULTILINE)
_SHOWN = 6  # names of files in a row of the table, if there are more


@dataclass(frozen=True)
class Change:
    """A file that an update touches, or leaves alone though the template changed it."""

    path: str
    kind: str
    """updated, new, removed, moved, conflict or left alone."""
    why: str = ""


@dataclass(frozen=True)
class Summary:
    """An update, carried out or only planned."""

    before: str
    after: str
    version: str
    commit: str
    """Of the template, that the project is brought to."""
    changes: tuple[Change, ...]
    retrains: str
    lock: str
    proposal: Proposal
    library: tuple[str, ...]
    """Files of the library that the team has edited: merged, and not replaced."""
    changelog: str
    notes: tuple[str, ...] = ()

    @property
    def conflicts(self) -> list[str]:
        """The paths of files in conflict."""
        return [change.path for change in self.changes if change.kind == "conflict"]


def as_table(summary: Summary) -> str:
    """Return the kinds of changes with the names of some files, one kind a line; of conflicts and what is left, all."""
    rows = [("files", "", "")]
    for kind in ("conflict", "updated", "new", "removed", "left alone"):
        of_kind = [change for change in summary.changes if change.kind == kind]
        shown = _SHOWN if kind in ("updated", "new", "removed") else len(of_kind)
        library = [change for change in of_kind if owner_of(change.path) is Owner.LIBRARY and kind != "conflict"]
        others = [change for change in of_kind if change not in library]
        if others:
            rows.append((kind, str(len(others)), _names(others, shown)))
        if library:
            rows.append(
                (f"{kind}, library", str(len(library)), _names(library, shown) if len(library) <= shown else "cd4ml/")
            )
    return align(rows) if len(rows) > 1 else "no file changes"


def _names(changes: Sequence[Change], shown: int) -> str:
    names = [f"{change.path} ({change.why})" if change.why else change.path for change in changes[:shown]]
    return ", ".join(names) + (f", and {len(changes) - shown} more" if len(changes) > shown else "")


def by_file(summary: Summary) -> str:
    """Return each file with what happens to it."""
    rows = [("file", "what", "why"), *((change.path, change.kind, change.why) for change in summary.changes)]
    return align(rows) if summary.changes else "no file changes"


def remarks(summary: Summary) -> list[str]:
    """Return what a person has to know besides the files."""
    lines = [f"uv.lock: {summary.lock}", f"retrains: {summary.retrains}"]
    if summary.library:
        lines.append(f"the library is edited here, so it was merged: {', '.join(summary.library)}")
    if summary.proposal.unknown:
        lines.append(
            f"params.yaml: the template has dropped {', '.join(summary.proposal.unknown)}; remove what you can"
        )
    lines += summary.notes
    if summary.proposal.needed:
        it = "it" if len(summary.proposal.needed) == 1 else "them"
        lacking = ", ".join(summary.proposal.needed)
        lines.append(f"params.yaml lacks {lacking}: make train needs {it}, as dvc.yaml names {it}")
    if summary.proposal.lines:
        lines.append("params.yaml is yours; new keys that it may have, as the template has them:")
        lines += [f"    {line}".rstrip() for line in summary.proposal.lines.splitlines()]
    return lines


def as_markdown(summary: Summary) -> str:
    """Return the text of a pull request or an issue: whether it retrains, conflicts by file, the changelog."""
    parts = [f"The template from {summary.before} to {summary.after}.", f"**retrains:** {summary.retrains}"]
    if summary.conflicts:
        listed = "\n".join(f"- `{path}`" for path in summary.conflicts)
        parts.append(f"**Conflicts** to resolve:\n\n{listed}")
    parts.append(f"```\n{as_table(summary)}\n```")
    rest = [line for line in remarks(summary) if not line.startswith("retrains: ")]
    parts.append("```\n" + "\n".join(rest) + "\n```")
    if summary.changelog:
        parts.append(summary.changelog)
    return "\n\n".join(parts) + "\n"


def in_files(count: int) -> str:
    """Return a number of files in words, such as `1 file`."""
    return f"{count} file" + ("" if count == 1 else "s")


def as_json(summary: Summary) -> dict[str, object]:
    """Return the update for a program."""
    return asdict(summary) | {"conflicts": summary.conflicts}


def changelog_between(text: str, before: str, after: str) -> str:
    """Return the sections of a changelog that are newer than one version, up to another."""
    headings = list(_HEADING.finditer(text))
    starts = [section.start() for section in _SECTION.finditer(text)]
    wanted = [
        text[heading.start() : min((start for start in starts if start > heading.start()), default=len(text))].strip()
        for heading in headings
        if numbers(before) < numbers(heading[1]) <= numbers(after)
    ]
    return "\n\n".join(wanted)
