"""A bare repository as GitHub keeps it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.delivery.github import workflow_rule

NOBODY = "0" * 40  # the commit that a new branch comes from, and a deleted one goes to
MERGER = {
    "GIT_AUTHOR_NAME": "GitHub",
    "GIT_AUTHOR_EMAIL": "noreply@github.com",
    "GIT_COMMITTER_NAME": "GitHub",
    "GIT_COMMITTER_EMAIL": "noreply@github.com",
}
# A push is judged here, when what it changes is known; git_http.py says who pushes.
HOOK = """#!/bin/sh
while read -r old new ref; do
    if [ "$PUSHED_BY" != person ] && grep -qx "$ref" protected 2>/dev/null; then
        echo "GH006: Protected branch update failed for $ref." >&2
        exit 1
    fi
    if [ -z "$MAY_CHANGE_WORKFLOWS" ]; then
        @RULE@ "$old" "$new" || exit 1
    fi
done
"""


@dataclass(frozen=True)
class Repository:
    """A bare repository in a folder."""

    folder: Path

    def create(self) -> None:
        self.folder.mkdir(parents=True)
        subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", self.folder], check=True)
        for setting in ("http.receivepack", "uploadpack.allowAnySHA1InWant"):
            self.git("config", setting, "true")
        hook = self.folder / "hooks/pre-receive"
        hook.write_text(HOOK.replace("@RULE@", f"{sys.executable} {workflow_rule.__file__}"))
        hook.chmod(0o755)

    def git(self, *arguments: str, check: bool = True) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.folder), *arguments],
            env=os.environ | MERGER,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise ValueError(f"git {arguments[0]}: {done.stderr.strip()}")
        return done.stdout.strip() if done.returncode == 0 else ""

    def take(self, folder: Path, branch: str = "main") -> None:
        """Let a branch be at the commit that a folder is at; nobody pushed it, so nothing starts."""
        self.git("fetch", "--quiet", str(folder), f"HEAD:refs/heads/{branch}")

    def refs(self) -> dict[str, str]:
        """Every branch and tag with its commit."""
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/tags").splitlines()
        return {line.split()[0]: line.split()[1] for line in lines}

    def commit(self, revision: str) -> str | None:
        return self.git("rev-parse", "--quiet", "--verify", f"{revision}^{{commit}}", check=False) or None

    def set(self, ref: str, commit: str | None) -> None:
        """Move, make or delete a ref."""
        self.git("update-ref", ref, commit) if commit else self.git("update-ref", "-d", ref)

    def file(self, revision: str, path: str) -> str:
        return self.git("show", f"{revision}:{path}")

    def workflows(self, revision: str) -> dict[str, str]:
        """The workflows of a revision, by file name."""
        folder = ".github/workflows/"
        names = self.git("ls-tree", "--name-only", revision, folder, check=False).splitlines()
        return {
            name.removeprefix(folder): self.file(revision, name) for name in names if name.endswith((".yml", ".yaml"))
        }

    def changed(self, before: str, after: str) -> list[str]:
        """The files that differ; every one when there is nothing to compare with."""
        if before == NOBODY:
            return self.git("ls-tree", "-r", "--name-only", after).splitlines()
        return self.git("diff", "--name-only", before, after).splitlines()

    def merge(self, base: str, head: str, message: str) -> str | None:
        """Make the commit that merges head into base; None when they conflict."""
        tree = self.git("merge-tree", "--write-tree", base, head, check=False).splitlines()
        if not tree:
            return None
        return self.git("commit-tree", tree[0], "-p", base, "-p", head, "-m", message)

    def contains(self, commit: str, ancestor: str) -> bool:
        done = subprocess.run(
            ["git", "-C", str(self.folder), "merge-base", "--is-ancestor", ancestor, commit], check=False
        )
        return done.returncode == 0
