"""Find, create and read the releases of models on GitHub: their tags, and the release.json attached to each."""

import json
import re
from collections.abc import Mapping
from typing import Any

from cd4ml.delivery.github import GitHub
from cd4ml.delivery.production_log import released_commit
from cd4ml.errors import UserError
from cd4ml.files.git import GitError, is_ancestor, output_of, remote_name, run_git

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


def find(github: GitHub, version: str, commit: str, image: str = "") -> dict[str, Any] | None:
    """Return the release of a bundle that was built from a commit, published or still a draft; None if there is none.

    With an image, one that GitHub lets nobody change any more ("immutable releases") has to be of that image.
    """
    for tag in possible_tags(version, commit, image):
        release = _tagged(github, tag)
        if release is None or released_commit(fetched(str(release.get("target_commitish")))) != commit:
            continue
        if not (image and release.get("immutable")) or attached_image(github, release) == image:
            return release
    return None


def _tagged(github: GitHub, tag: str) -> dict[str, Any] | None:
    """Return the release of a tag; None if there is none. A draft has no tag yet: GitHub shows it in the list only."""
    release: dict[str, Any] | None = github.find(f"releases/tags/{tag}")
    if release is not None:
        return release
    listed = github.get("releases", per_page=100)
    return next((each for each in listed if each["draft"] and each["tag_name"] == tag), None)


def fetched(revision: str) -> str:
    """Return a commit, after fetching it from git's remote if this clone lacks it.

    Raises:
        GitError: the remote does not have it, or does not answer.
    """
    remote = remote_name()
    if remote and run_git("cat-file", "-e", f"{revision}^{{commit}}").returncode:
        output_of("fetch", "--quiet", "--no-tags", remote, revision)
    return revision


def comes_before(commit: str, released: str) -> bool:
    """Return whether a commit comes before one that was released.

    None comes before a commit that is on no branch any more, and that the remote gives to nobody: its history was
    rewritten, or its branch was deleted.

    Raises:
        GitError: the clone is too shallow to tell.
    """
    try:
        fetched(released)
    except GitError:
        return False
    return is_ancestor(commit, released)


def create(github: GitHub, record: Mapping[str, Any], target: str, notes: str) -> dict[str, Any]:
    """Create the draft of a release. It is named after the bundle.

    It is named after the commit, too, if the bundle was released before, and after the image if that commit was.

    Args:
        github: the repository.
        record: release.json.
        target: the commit that the tag is to be at.
        notes: the description.
    """
    tags = possible_tags(record["bundle"], record["commit"], record["image"])
    tag = next((tag for tag in tags if _tagged(github, tag) is None), tags[-1])
    content = {"tag_name": tag, "target_commitish": target, "name": tag, "body": notes, "draft": True}
    release: dict[str, Any] = github.post("releases", content)
    return release


def publish(github: GitHub, release: Mapping[str, Any]) -> dict[str, Any]:
    """Publish a draft to which everything is attached: GitHub may let nobody add anything later."""
    published: dict[str, Any] = github.patch(f"releases/{release['id']}", {"draft": False, "make_latest": "true"})
    return published


def possible_tags(version: str, commit: str, image: str = "") -> tuple[str, ...]:
    """Return the tags that a bundle's release may have: of its version alone, with the commit, and with the image."""
    first, second = f"{TAG_PREFIX}{version}", f"{TAG_PREFIX}{version}-{commit[:7]}"
    return (first, second, f"{second}-{digest_of(image).removeprefix('sha256:')[:7]}") if image else (first, second)


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


def attached_image(github: GitHub, release: Mapping[str, Any]) -> str:
    """Return the image that a release's release.json names; empty if there is none, or it is not valid."""
    try:
        return str(attached_metadata(github, release)["image"])
    except UserError:
        return ""


def latest(github: GitHub) -> list[dict[str, Any]]:
    """Return the releases of models, the newest first."""
    entries = github.get("releases", per_page=100)
    return [
        entry for entry in entries if str(entry.get("tag_name", "")).startswith(TAG_PREFIX) and not entry.get("draft")
    ]
