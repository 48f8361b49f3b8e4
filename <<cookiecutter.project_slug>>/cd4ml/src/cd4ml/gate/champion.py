"""Find the champion: the bundle that dvc.lock names on `production`, or before the first release on `main`."""

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cd4ml.bundle.bundle import Bundle
from cd4ml.errors import BundleError, UserError
from cd4ml.files.dvc_lock import output_digest
from cd4ml.files.git import GitError, branch_commit, failure_reason, remote_name, run_command
from cd4ml.settings import paths

LIVE, WANTED = "production", "main"
_FETCHING = 1800  # seconds


class UnknownChampionError(Exception):
    """Who the champion is cannot be told, or it cannot be fetched; the message says why in one line."""


@dataclass(frozen=True)
class Champion:
    """What the challenger must hold against."""

    branch: str
    revision: str
    bundle: Bundle


def find_champion(folder: Path) -> Champion | None:
    """Return the champion, its bundle fetched into `folder`, which must not be there yet; None where there is none.

    A branch is absent only when the remote says so, where git has one: a clone need not know every branch.

    Raises:
        UnknownChampionError: the remote did not answer, or the bundle can be had neither from DVC's cache nor from its
            remote, or is not whole.
    """
    try:
        return _find(folder)
    except GitError as silent:
        raise UnknownChampionError(str(silent)) from None


def _find(folder: Path) -> Champion | None:
    for branch, revision in branches():
        named = bundle_digest_at(revision)
        if named is None and branch == LIVE:
            raise UnknownChampionError(f"dvc.lock on {LIVE} names no {paths.BUNDLE}")
        if named is None or (branch == WANTED and named == bundle_digest_here()):
            continue
        fetch_bundle(branch, revision, folder)
        try:
            return Champion(branch, revision, Bundle.load(folder))
        except BundleError as broken:
            said = str(broken).replace(str(folder), "its bundle").partition("; ")[0].partition(": fetch")[0]
            raise UnknownChampionError(f"{branch} at {revision[:7]}: {said}") from None
    return None


def branches() -> Iterator[tuple[str, str]]:
    """Return those of `production` and `main` that there are, in this order, each with the commit that it is at.

    Raises:
        GitError: the remote, where git has one, did not answer.
    """
    where = remote_name()
    for branch in (LIVE, WANTED):
        if revision := branch_commit(where, branch):
            yield branch, revision


def bundle_digest_at(revision: str) -> str | None:
    """Return DVC's digest of the bundle in a commit's dvc.lock; None if it names none."""
    return output_digest(paths.BUNDLE, revision)


def bundle_digest_here() -> str | None:
    """Return DVC's digest of the bundle in dvc.lock as it is here; None if it names none."""
    return output_digest(paths.BUNDLE)


def fetch_bundle(branch: str, revision: str, folder: Path) -> None:
    """Fetch the bundle that dvc.lock names at a commit into a folder, which must not be there yet.

    Raises:
        UnknownChampionError: it is neither in DVC's cache nor to be had from its remote; `branch` says whose it is.
    """
    local = Path(".dvc/config.local")  # a remote's credentials, where they are not in the environment
    config = ["--config", str(local)] if local.exists() else []
    command = [
        sys.executable,
        "-m",
        "dvc",
        "get",
        "--quiet",
        ".",
        str(paths.BUNDLE),
        "--rev",
        revision,
        "--out",
        str(folder),
        *config,
    ]
    done = run_command(command, _FETCHING)
    if done.returncode and _fetched_from_registry(revision):
        shutil.rmtree(folder, ignore_errors=True)  # half a bundle may be there
        done = run_command(command, _FETCHING)
    if done.returncode:
        raise UnknownChampionError(
            f"the bundle of {branch} at {revision[:7]} is neither in DVC's cache nor to be had from its remote: "
            f"{failure_reason(done)}"
        )


def _fetched_from_registry(revision: str) -> bool:
    """Bring what a commit's dvc.lock names into DVC's cache from the registry that stands in for a remote, if any.

    Raises:
        UnknownChampionError: there is one, and it lacks that, or does not answer.
    """
    if not os.environ.get("OBJECTS"):
        return False
    from cd4ml.storage.dvc_remote import dvc_remote
    from cd4ml.storage.registry import fetch

    if dvc_remote():
        return False
    try:
        fetch(revision)
    except UserError as failure:
        raise UnknownChampionError(str(failure)) from None
    return True
