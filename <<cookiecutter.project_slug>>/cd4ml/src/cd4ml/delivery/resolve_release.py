"""Find the image of an earlier release, to roll back to, and fetch its bundle for the smoke test."""

import os
import shutil
from pathlib import Path

from cd4ml.delivery import releases
from cd4ml.delivery.actions_io import add_to_summary, set_outputs
from cd4ml.delivery.github import GitHub
from cd4ml.errors import UserError
from cd4ml.gate.champion import UnknownChampionError, fetch_bundle
from cd4ml.terminal.arguments import Arguments
from cd4ml.terminal.output import align

_FOLDER = Path("build/earlier")


def main(argv: list[str]) -> None:
    """Set the outputs to RELEASE's image digest, bundle and commit; without RELEASE list the latest releases.

    Raises:
        UserError: there is no such release, or RELEASE is not set.
    """
    Arguments("resolve-release").parse_args(argv)
    github, tag = GitHub.from_environment(), os.environ.get("RELEASE", "").strip()
    if not tag:
        raise UserError(f"name one with RELEASE=…\n{list_releases(github)}")
    metadata = releases.metadata_of(github, tag)
    digest, commit = releases.digest_of(metadata["image"]), metadata["commit"]
    set_outputs(digest=digest, bundle=str(metadata["bundle"]), commit=commit, folder=fetch_bundle_of(tag, commit))
    result = f"{tag} is {digest}, of commit {commit[:7]}"
    add_to_summary(result)
    print(result)


def fetch_bundle_of(tag: str, commit: str) -> str:
    """Fetch the release's bundle, for the smoke test; return its folder, empty if it cannot be fetched.

    A revision that the platform still has needs no smoke test. One that it no longer has is not deployed again
    without the bundle.
    """
    shutil.rmtree(_FOLDER, ignore_errors=True)
    try:
        fetch_bundle(tag, commit, _FOLDER)
    except UnknownChampionError as failure:
        print(failure)
        return ""
    return str(_FOLDER)


def list_releases(github: GitHub) -> str:
    """Return the latest releases as a table for a person."""
    rows = [(entry["tag_name"], str(entry.get("created_at", ""))[:10]) for entry in releases.latest(github)[:20]]
    return align([("release", "created"), *rows]) if rows else "there is no release yet"
