"""Look up releases, commits and checksums on GitHub.

Answers: https://docs.github.com/en/rest/releases/releases, .../rest/repos/repos (tags), .../rest/commits/commits.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scripts.pins.lookup import Lookup, NoAnswer
from scripts.pins.versions import order, parsed

_API = "https://api.github.com/repos"
_TRIED = 5  # newest tags whose commits are looked at


def newest(lookup: Lookup, repository: str) -> str:
    """Return the tag of the highest release that is old enough; of the tags, where a repository makes no releases.

    Raises:
        NoAnswer: GitHub does not answer, or nothing there is a released version.
    """
    releases = lookup.get(f"{_API}/{repository}/releases?per_page=50").json()
    tags = [
        entry["tag_name"]
        for entry in releases
        if not entry["draft"] and not entry["prerelease"] and lookup.is_old_enough(entry["published_at"])
    ]
    if not _released(tags):
        tags = _old_tags(lookup, repository, lookup.get(f"{_API}/{repository}/tags?per_page=100").json())
    if not _released(tags):
        raise NoAnswer(f"{repository} has no release that is old enough")
    return _released(tags)[0]


def commit(lookup: Lookup, repository: str, tag: str) -> str:
    """Return the commit of a tag, whether that is annotated or not."""
    return str(_commit(lookup, repository, tag)["sha"])


def checksum(lookup: Lookup, address: str, archive: str) -> str:
    """Return the SHA-256 of an archive from a file of checksums, one a line as `sha256sum` prints them.

    Raises:
        NoAnswer: the file names the archive not at all, or twice.
    """
    lines = [line.split() for line in lookup.get(address).text.splitlines()]
    sums = [line[0] for line in lines if len(line) == 2 and line[1].removeprefix("*") == archive]
    if len(sums) != 1 or len(sums[0]) != 64:
        raise NoAnswer(f"{address} has no checksum of {archive}")
    return sums[0]


def _released(tags: Iterable[str]) -> list[str]:
    """Return those tags that are versions, the highest first."""
    versions = [tag for tag in tags if (version := parsed(tag)) and version.is_release]
    return sorted(versions, key=order, reverse=True)


def _old_tags(lookup: Lookup, repository: str, entries: list[dict[str, Any]]) -> list[str]:
    """Return the highest tag whose commit is old enough, as a list of one or none."""
    for tag in _released(str(entry["name"]) for entry in entries)[:_TRIED]:
        if lookup.is_old_enough(_commit(lookup, repository, tag)["commit"]["committer"]["date"]):
            return [tag]
    return []


def _commit(lookup: Lookup, repository: str, tag: str) -> dict[str, Any]:
    answer: dict[str, Any] = lookup.get(f"{_API}/{repository}/commits/tags/{tag}").json()
    return answer
