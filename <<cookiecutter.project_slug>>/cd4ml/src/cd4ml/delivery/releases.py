"""Find, create and read the releases of models on GitHub: their tags, and the release.json attached to each."""

import json
import re
from collections.abc import Mapping
from typing import Any

from cd4ml.delivery.github import GitHub
from cd4ml.delivery.production_log import released_commit
from cd4ml.errors import UserError
from cd4ml.files.git import output_of, remote_name, run_git

TAG_PREFIX = "model-"
METADATA = "release.json"
_IMAGE = re.compile(r"[a-z0-9][a-z0-9._:/-]*@(sha256:[0-9a-f]{64})")
_TAG = re.compile(r"model-[A-Za-z0-9][A-Za-z0-9._-]{0,100}")


def digest_of(image: str) -> str:
    """Return the digest in an image's name, `REGISTRY/NAME@sha256:...`.

    Raises:
        UserError: the name has none.
    """
    name = _IMAGE.fullmatch(image)
    if name is None:
        raise UserError("IMAGE is not the name of an image with its digest; write REGISTRY/NAME@sha256:…")
    return name[1]


def find(github: GitHub, version: str, commit: str) -> dict[str, Any] | None:
    """Return the release of a bundle that was built from a commit; None if there is none."""
    for tag in possible_tags(version, commit):
        release: dict[str, Any] | None = github.find(f"releases/tags/{tag}")
        if release and released_commit(fetched(str(release.get("target_commitish")))) == commit:
            return release
    return None


def fetched(revision: str) -> str:
    """Return a commit, after fetching it from git's remote if this clone lacks it.

    Raises:
        GitError: the remote does not have it, or does not answer.
    """
    remote = remote_name()
    if remote and run_git("cat-file", "-e", f"{revision}^{{commit}}").returncode:
        output_of("fetch", "--quiet", "--no-tags", remote, revision)
    return revision


def create(github: GitHub, version: str, commit: str, target: str, notes: str) -> dict[str, Any]:
    """Create a release named after the bundle, and after the commit too if the bundle was released before.

    Args:
        github: the repository.
        version: the bundle's.
        commit: that was released.
        target: the commit that the tag is to be at.
        notes: the description.
    """
    first, second = possible_tags(version, commit)
    tag = second if github.find(f"releases/tags/{first}") else first
    content = {"tag_name": tag, "target_commitish": target, "name": tag, "body": notes, "make_latest": "true"}
    release: dict[str, Any] = github.post("releases", content)
    return release


def possible_tags(version: str, commit: str) -> tuple[str, str]:
    """Return the two tags that a bundle's release may have: without and with the commit."""
    return f"{TAG_PREFIX}{version}", f"{TAG_PREFIX}{version}-{commit[:7]}"


def metadata_of(github: GitHub, tag: str) -> dict[str, Any]:
    """Return the release.json of the release with this tag.

    Raises:
        UserError: there is no such release, or it has no valid release.json.
    """
    if not _TAG.fullmatch(tag):
        raise UserError(f"RELEASE is not the name of a release; write one such as {TAG_PREFIX}2024-01-31.1d40b8a")
    release = github.find(f"releases/tags/{tag}")
    if release is None:
        others = ", ".join(other["tag_name"] for other in latest(github)[:5])
        raise UserError(f"there is no release {tag}; the latest are {others or 'none'}")
    return attached_metadata(github, release)


def attached_metadata(github: GitHub, release: Mapping[str, Any]) -> dict[str, Any]:
    """Return the release.json that is attached to a release.

    Raises:
        UserError: there is none, or it is not valid.
    """
    content = github.attachment(release, METADATA)
    try:
        metadata: dict[str, Any] = json.loads(content or b"")
        digest_of(metadata["image"])
        if not re.fullmatch(r"[0-9a-f]{40,64}", metadata["commit"]):
            raise ValueError
    except (ValueError, KeyError, TypeError, UserError):
        raise UserError(f"{release['tag_name']} has no {METADATA} with its commit and image; choose another") from None
    return metadata


def latest(github: GitHub) -> list[dict[str, Any]]:
    """Return the releases of models, the newest first."""
    entries = github.get("releases", per_page=100)
    return [
        entry for entry in entries if str(entry.get("tag_name", "")).startswith(TAG_PREFIX) and not entry.get("draft")
    ]
