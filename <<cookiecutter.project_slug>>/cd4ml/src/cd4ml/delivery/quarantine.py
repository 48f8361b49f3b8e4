"""Bundles that were rolled back: each is held by a branch `held/DIGEST`, until that is deleted."""

from cd4ml.files import git
from cd4ml.files.git import GitError

PREFIX = "held/"


def branch_of(version: str) -> str:
    """Return the branch that holds a bundle of this version."""
    return PREFIX + version.rpartition(".")[2]


def is_held(version: str) -> bool:
    """Return whether the remote, or this repository where it has none, holds the bundle back.

    Raises:
        GitError: the remote does not answer.
    """
    if not version:
        return False
    branch, remote = f"refs/heads/{branch_of(version)}", git.remote()
    if remote is None:
        return bool(git.git("rev-parse", "--quiet", "--verify", branch).stdout)
    asked = git.git("ls-remote", "--heads", remote, branch)
    if asked.returncode:
        raise GitError(f"{remote} did not say whether {version} is held back: {git.reason(asked)}")
    return bool(asked.stdout.strip())
