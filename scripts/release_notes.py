"""Read CHANGELOG.md: the versions that it has, and what it says of one."""

from __future__ import annotations

import re
from itertools import pairwise

VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:(a|b|rc)(\d+))?")
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)


class NotesError(Exception):
    """The changelog has not the form that it has to have; the message says where."""


def versions(changelog: str) -> list[str]:
    """Return the changelog's versions, the newest first.

    Raises:
        NotesError: a heading is no version, or one is not older than the one above it.
    """
    found = _HEADING.findall(changelog)
    for heading in found:
        if not VERSION.fullmatch(heading):
            raise NotesError(f'CHANGELOG.md: "## {heading}" is not a version; expected one such as 1.2.3 or 1.2.3rc1')
    for newer, older in pairwise(found):
        if order(newer) <= order(older):
            raise NotesError(f"CHANGELOG.md: {older} stands below {newer}, and is not older")
    return found


def notes(changelog: str, version: str) -> str:
    """Return what the changelog says of a version, each paragraph and point in a line of its own, as GitHub shows them.

    Raises:
        NotesError: it says nothing of it.
    """
    parts = _HEADING.split(changelog)[1:]
    text = dict(zip(parts[::2], parts[1::2], strict=True)).get(version, "").strip()
    if not text:
        raise NotesError(f"CHANGELOG.md says nothing of {version}; add a heading ## {version} and what it brings")
    return joined(text) + "\n"


def joined(text: str) -> str:
    """Return Markdown in which no line is broken: GitHub shows each line of a release's notes as one."""
    lines: list[str] = []
    in_code = False
    for line in text.splitlines():
        in_code ^= line.startswith("```")
        continues = (
            lines
            and lines[-1]
            and line.strip()
            and not in_code
            and not line.startswith("```")
            and not lines[-1].startswith(("```", "#", "|"))
            and not re.match(r" *(?:[-*] |\d+\. |#|\||>)", line)
        )
        if continues:
            lines[-1] += f" {line.strip()}"
        else:
            lines.append(line)
    return "\n".join(lines)


def with_links(text: str, address: str) -> str:
    """Return Markdown whose links to files of the repository begin with an address: a release lies elsewhere."""
    return re.sub(r"\]\((?![a-z]+:|#)(?:\./)?", rf"]({address}", text)


def is_prerelease(version: str) -> bool:
    """Return whether a version is one to be tried before it is released."""
    found = VERSION.fullmatch(version)
    return bool(found and found[4])


def order(version: str) -> tuple[int, int, int, str, int]:
    """Return what versions are sorted by: 1.0.0rc1 comes before 1.0.0."""
    found = VERSION.fullmatch(version)
    if not found:
        raise NotesError(f"{version} is not a version")
    return int(found[1]), int(found[2]), int(found[3]), found[4] or "z", int(found[5] or 0)
