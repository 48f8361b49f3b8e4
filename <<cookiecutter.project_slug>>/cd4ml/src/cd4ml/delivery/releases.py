"""Releases on GitHub: how they are named, which there are, and what is attached to each."""

import json
import re
from collections.abc import Mapping
from typing import Any

from cd4ml.delivery.github import GitHub
from cd4ml.errors import UserError

PREFIX = "model-"
FILE = "release.json"
_IMAGE = re.compile(r"[a-z0-9][a-z0-9._:/-]*@(sha256:[0-9a-f]{64})")
_TAG = re.compile(r"model-[A-Za-z0-9][A-Za-z0-9._-]{0,100}")


def digest_of(image: str) -> str:
    """Return the digest of an image that is named by it.

    Raises:
        UserError: it is not.
    """
    found = _IMAGE.fullmatch(image)
    if found is None:
        raise UserError("IMAGE names no image by its digest; write one such as REGISTRY/NAME@sha256:…")
    return found[1]


def find(github: GitHub, version: str, commit: str) -> dict[str, Any] | None:
    """Return the release of a bundle as a commit built it; None where it was not released."""
    for tag in tags(version, commit):
        there: dict[str, Any] | None = github.find(f"releases/tags/{tag}")
        if there and there.get("target_commitish") == commit:
            return there
    return None


def create(github: GitHub, version: str, commit: str, body: str) -> dict[str, Any]:
    """Create the release, named after the bundle, and after the commit too where the bundle was released before."""
    first, second = tags(version, commit)
    tag = second if github.find(f"releases/tags/{first}") else first
    said = {"tag_name": tag, "target_commitish": commit, "name": tag, "body": body, "make_latest": "true"}
    made: dict[str, Any] = github.post("releases", said)
    return made


def tags(version: str, commit: str) -> tuple[str, str]:
    """Return the names that the release of a bundle may have."""
    return f"{PREFIX}{version}", f"{PREFIX}{version}-{commit[:7]}"


def named(github: GitHub, tag: str) -> dict[str, Any]:
    """Return what release.json says of a release.

    Raises:
        UserError: there is no such release, or nothing is attached to it.
    """
    if not _TAG.fullmatch(tag):
        raise UserError(f"RELEASE is no release's name; write one such as {PREFIX}2024-01-31.1d40b8a")
    there = github.find(f"releases/tags/{tag}")
    if there is None:
        others = ", ".join(one["tag_name"] for one in latest(github)[:5])
        raise UserError(f"there is no release {tag}; the latest are {others or 'none'}")
    return told(github, there)


def told(github: GitHub, release: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is attached to a release as release.json.

    Raises:
        UserError: nothing is, or it was altered.
    """
    content = github.attached(release, FILE)
    try:
        said: dict[str, Any] = json.loads(content or b"")
        digest_of(said["image"])
        if not re.fullmatch(r"[0-9a-f]{40,64}", said["commit"]):
            raise ValueError
    except (ValueError, KeyError, TypeError, UserError):
        raise UserError(f"{release['tag_name']} has no {FILE} with its commit and image; choose another") from None
    return said


def latest(github: GitHub) -> list[dict[str, Any]]:
    """Return the releases of models, the newest first."""
    listed = github.get("releases", per_page=100)
    return [one for one in listed if str(one.get("tag_name", "")).startswith(PREFIX) and not one.get("draft")]
