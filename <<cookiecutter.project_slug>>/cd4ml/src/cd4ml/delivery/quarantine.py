"""Quarantine bundles that were rolled back: no push releases a bundle while the branch `quarantine/DIGEST` exists."""

from cd4ml.files.git import GitError, failure_reason, push_branch, remote_name, run_git

BRANCH_PREFIX = "quarantine/"


def quarantine_branch(version: str) -> str:
    """Return the branch that quarantines the bundle of a version."""
    return BRANCH_PREFIX + version.rpartition(".")[2]


def is_quarantined(version: str) -> bool:
    """Return whether the branch exists at the remote, or here if git has no remote.

    Raises:
        GitError: the remote does not answer.
    """
    if not version:
        return False
    branch, origin = f"refs/heads/{quarantine_branch(version)}", remote_name()
    if origin is None:
        return bool(run_git("rev-parse", "--quiet", "--verify", branch).stdout)
    listed = run_git("ls-remote", "--heads", origin, branch)
    if listed.returncode:
        raise GitError(f"cannot read whether {origin} has {version} in quarantine: {failure_reason(listed)}")
    return bool(listed.stdout.strip())


def lift_quarantine(version: str) -> None:
    """Delete the branch at the remote, if it exists: the bundle may be released again.

    Raises:
        GitError: the remote does not answer, or rejects it.
    """
    origin = remote_name()
    if origin and is_quarantined(version):
        push_branch(origin, "", quarantine_branch(version))
