"""The branches that say which model is live and which is to be: `production`, and the repository's default branch."""

from collections.abc import Iterator

from cd4ml.files.git import GitError, branch_commit, remote_branches, remote_default_branch, remote_name, run_git
from cd4ml.settings.project import read_project

PRODUCTION = "production"
_USUAL_NAMES = ("main", "master", "trunk")


def branches() -> Iterator[tuple[str, str]]:
    """Yield `production` and the default branch, in this order, as far as they exist, each with its commit.

    Raises:
        GitError: git has a remote, and it does not answer, or has no branch that is clearly the default.
    """
    remote = remote_name()
    if revision := branch_commit(remote, PRODUCTION):
        yield PRODUCTION, revision
    name = default_branch()
    if revision := branch_commit(remote, name):
        yield name, revision


def default_branch() -> str:
    """Return the default branch: what [tool.cd4ml] names, else what the remote says, else the usual name that exists.

    Raises:
        GitError: the remote does not answer, or several of its branches could be the default.
        ProjectError: pyproject.toml cannot be read.
    """
    if named := read_project().default_branch:
        return named
    remote = remote_name()
    if remote is None:
        return _local_default()
    if told := remote_default_branch(remote):
        return told
    candidates = [branch for branch in remote_branches(remote) if branch != PRODUCTION and "/" not in branch]
    usual = [name for name in _USUAL_NAMES if name in candidates]
    if len(usual) == 1 or len(candidates) < 2:
        return (usual or candidates or [_local_default()])[0]
    raise GitError(
        f"{remote} does not say which of {', '.join(candidates[:5])} is its default branch; "
        'name it in pyproject.toml, such as: [tool.cd4ml] default_branch = "main"'
    )


def _local_default() -> str:
    """Return the usual name that a local branch has, else the branch that is checked out."""
    for name in _USUAL_NAMES:
        if branch_commit(None, name):
            return name
    return run_git("symbolic-ref", "--short", "--quiet", "HEAD").stdout.strip() or _USUAL_NAMES[0]
