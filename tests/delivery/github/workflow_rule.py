"""GitHub's rule: no workflow is changed without the permission `workflows`, which no job's own token can hold.

A program too: the repository's hook runs it in the repository, before a push is taken.
"""

from __future__ import annotations

import subprocess
import sys

NOBODY = "0" * 40
FOLDER = ".github/workflows"


def refusal(folder: str, before: str, after: str) -> str:
    """Why a branch or tag may not go from one commit to another; empty if it may.

    A workflow may be as it is on the default branch, or as it was at the ref, or not be there on a new ref.
    """
    if after == NOBODY:
        return ""
    known = [read(folder, "HEAD")] + ([read(folder, before)] if before != NOBODY else [])
    now = read(folder, after)
    names = sorted(set(now).union(*known)) if before != NOBODY else sorted(now)
    for name in names:
        if now.get(name) not in [workflows.get(name) for workflows in known]:
            return (
                f"refusing to allow a GitHub App to create or update workflow `{name}` without `workflows` permission"
            )
    return ""


def changes_workflows(folder: str, commit: str) -> bool:
    """Whether a commit changes a workflow of the commit before it."""
    listed = git(folder, "diff-tree", "--root", "-r", "--name-only", "--no-commit-id", commit, "--", FOLDER)
    return bool(listed)


def read(folder: str, revision: str) -> dict[str, str]:
    """The workflows of a revision: the name of each, and its content's hash."""
    lines = git(folder, "ls-tree", "-r", revision, "--", f"{FOLDER}/").splitlines()
    return {line.partition("\t")[2]: line.split()[2] for line in lines}


def git(folder: str, *arguments: str) -> str:
    return subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True, check=False).stdout


if __name__ == "__main__":
    sys.exit(refusal(".", *sys.argv[1:]) or 0)
