"""Find and fetch the champion: the bundle of dvc.lock on `production`, or else on the default branch."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from cd4ml.bundle.bundle import Bundle
from cd4ml.errors import UserError
from cd4ml.files.dvc_command import dvc_command
from cd4ml.files.dvc_lock import output_digest
from cd4ml.files.git import GitError, failure_reason, path_in_repository, run_command, top_folder
from cd4ml.gate.branches import PRODUCTION, branches
from cd4ml.settings import paths

_FETCH_TIMEOUT = 1800  # seconds


class UnknownChampionError(Exception):
    """The champion cannot be found, fetched or scored; the message says why in one line."""


@dataclass(frozen=True)
class Champion:
    """The model that the challenger is compared with."""

    branch: str
    revision: str
    bundle: Bundle


def find_champion(folder: Path) -> Champion | None:
    """Return the champion, whose bundle is fetched into `folder`, which must not exist yet; None if there is none.

    If git has a remote, the remote is asked whether a branch exists, since a clone need not know every branch.

    Raises:
        UnknownChampionError: the remote does not answer, or the bundle is neither in DVC's cache nor in its remote, or
            is damaged.
    """
    try:
        return _find(folder)
    except GitError as failure:
        raise UnknownChampionError(str(failure)) from None


def _find(folder: Path) -> Champion | None:
    for branch, revision in branches():
        digest = bundle_digest_at(revision)
        if digest is None and branch == PRODUCTION:
            raise UnknownChampionError(f"dvc.lock on {PRODUCTION} names no {paths.BUNDLE}")
        if digest is None or (branch != PRODUCTION and digest == bundle_digest_here()):
            continue
        fetch_bundle(branch, revision, folder)
        try:
            return Champion(branch, revision, Bundle.load(folder))
        except UserError as damaged:
            reason = str(damaged).replace(str(folder), "its bundle").partition("; ")[0].partition(": fetch")[0]
            raise UnknownChampionError(f"{branch} at {revision[:7]}: {reason}") from None
    return None


def bundle_digest_at(revision: str) -> str | None:
    """Return DVC's digest of the bundle in a commit's dvc.lock; None if it names none."""
    return output_digest(paths.BUNDLE, revision)


def bundle_digest_here() -> str | None:
    """Return DVC's digest of the bundle in dvc.lock in the working directory; None if it names none."""
    return output_digest(paths.BUNDLE)


def fetch_bundle(branch: str, revision: str, folder: Path) -> None:
    """Fetch the bundle that dvc.lock names at a commit into a folder, which must not exist yet.

    Args:
        branch: that the commit is on, for the message.
        revision: the commit.
        folder: where to put the bundle.

    Raises:
        UnknownChampionError: the bundle is neither in DVC's cache nor in its remote.
    """
    local = Path(".dvc/config.local")  # holds a remote's credentials, if they are not in the environment
    config = ["--config", str(local)] if local.exists() else []
    source = [top_folder(), path_in_repository(paths.BUNDLE.as_posix()), "--rev", revision]
    command = dvc_command("get", "--quiet", *source, "--out", str(folder), *config)
    done = run_command(command, _FETCH_TIMEOUT)
    if done.returncode and _fetched_from_registry(revision):
        shutil.rmtree(folder, ignore_errors=True)  # it may hold a part of the bundle
        done = run_command(command, _FETCH_TIMEOUT)
    if done.returncode:
        raise UnknownChampionError(
            f"the bundle of {branch} at {revision[:7]} is neither in DVC's cache nor in its remote: "
            f"{failure_reason(done)}"
        )


def _fetched_from_registry(revision: str) -> bool:
    """Fetch what a commit's dvc.lock names into DVC's cache, if a registry is used instead of a remote.

    Raises:
        UnknownChampionError: the registry does not answer, or does not have it.
    """
    if not os.environ.get("OBJECTS"):
        return False
    from cd4ml.storage.dvc_remote import default_remote
    from cd4ml.storage.registry import fetch_objects

    if default_remote():
        return False
    try:
        fetch_objects(revision)
    except UserError as failure:
        raise UnknownChampionError(str(failure)) from None
    return True
