"""The verb `earlier`: which image an earlier release has, to go back to."""

import os
import shutil
from pathlib import Path

from cd4ml.delivery import releases as release
from cd4ml.delivery.actions_io import hand_on, summarize
from cd4ml.delivery.github import GitHub
from cd4ml.errors import UserError
from cd4ml.gate.champion import UnknownChampionError, fetch_bundle
from cd4ml.terminal.arguments import Arguments
from cd4ml.terminal.output import table

_FOLDER = Path("build/earlier")


def main(argv: list[str]) -> None:
    """Hand the digest of RELEASE's image to the workflow; without RELEASE list what there is.

    Raises:
        UserError: there is no such release.
    """
    Arguments("resolve-release").parse_args(argv)
    github, tag = GitHub.here(), os.environ.get("RELEASE", "").strip()
    if not tag:
        raise UserError(f"name one with RELEASE=…\n{listed(github)}")
    said = release.named(github, tag)
    digest = release.digest_of(said["image"])
    hand_on(digest=digest, bundle=str(said["bundle"]), commit=said["commit"], folder=fetched(tag, said["commit"]))
    told = f"{tag} is {digest}, of commit {said['commit'][:7]}"
    summarize(told)
    print(told)


def fetched(tag: str, commit: str) -> str:
    """Fetch the release's bundle, which a smoke test compares with; return its folder, empty where it is not to be had.

    A revision that is still there needs no smoke test; without the bundle, one that is not is not deployed again.
    """
    shutil.rmtree(_FOLDER, ignore_errors=True)
    try:
        fetch_bundle(tag, commit, _FOLDER)
    except UnknownChampionError as absent:
        print(absent)
        return ""
    return str(_FOLDER)


def listed(github: GitHub) -> str:
    """Return the latest releases, for a person."""
    rows = [(one["tag_name"], str(one.get("created_at", ""))[:10]) for one in release.latest(github)[:20]]
    return table([("release", "made on"), *rows]) if rows else "there is no release yet"
