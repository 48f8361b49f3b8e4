"""Merge the template's change into the project, with the old generation as the base; then apply it as one commit.

The base is always what `.cd4ml.toml` names, never what git's history suggests: teams squash, rebase and revert updates,
and git would then take another base, or find nothing to merge. So the change is one commit whose parent is the base,
and it is cherry-picked: git follows files that were renamed, and a conflict is an ordinary one.
"""

import shlex
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cd4ml.files.git import GitError, failure_reason, head_commit, output_of, run_git, top_folder
from cd4ml.update.record import UpdateError

_LEAST_GIT = (2, 38)  # merge-tree --write-tree
_UNDER_WAY = {  # by a file of git's
    "MERGE_HEAD": "git merge --abort",
    "CHERRY_PICK_HEAD": "git cherry-pick --abort",
    "REVERT_HEAD": "git revert --abort",
    "rebase-merge": "git rebase --abort",
    "rebase-apply": "git rebase --abort",
    "sequencer": "git cherry-pick --quit",  # of several commits, the rest; --abort would go back before the first one
}
_CHANGE_TIMEOUT = 300  # seconds: hooks may run, and a person may type the password of a key that signs
_RENAMES = ("-c", "merge.renames=true", "-c", "merge.directoryRenames=false")
"""Git follows a file that was moved, whatever the user's settings, and moves no others with it.

If most of a folder's files went, it would move those that an update leaves alone, and the team's own, after them.
"""
_CHANGED = ("-c", "core.quotePath=false", "status", "--porcelain", "--untracked-files=no", "--ignore-submodules=dirty")


@dataclass(frozen=True)
class Merged:
    """The outcome of a merge that has touched nothing yet."""

    tree: str
    """Of the repository; files in conflict have markers in it."""
    conflicts: tuple[str, ...]
    """Paths in the repository."""


def check_ready() -> None:
    """Check that the repository can take an update.

    Raises:
        UpdateError: git is too old, there is no commit, tracked files were changed, or a merge is under way.
    """
    words = output_of("version").split()[2].split(".")
    if tuple(map(int, words[:2])) < _LEAST_GIT:
        raise UpdateError(f"git {'.'.join(words)} is too old: an update needs {'.'.join(map(str, _LEAST_GIT))}")
    if run_git("rev-parse", "--quiet", "--verify", "HEAD").returncode:
        raise UpdateError("there is no commit yet: git add -A && git commit -m 'a new project', then run this again")
    for name, ending in _UNDER_WAY.items():
        if Path(output_of("rev-parse", "--git-path", name)).exists():
            raise UpdateError(f"a merge or its like is under way: finish it, or give it up by {ending}")
    if changed := run_git(*_CHANGED).stdout.splitlines():
        names = ", ".join(line[3:] for line in changed[:5]) + (" ..." if len(changed) > 5 else "")
        raise UpdateError(f"changes are not committed ({names}): commit them or git stash, then run this again")
    if run_git("var", "GIT_COMMITTER_IDENT").returncode:
        raise UpdateError('git does not know who commits: git config user.name "..."; git config user.email "..."')


def check_unchanged(head: str) -> None:
    """Check that the project is as it was when the update was prepared from the commit `head`.

    Raises:
        UpdateError: it is not.
    """
    if head_commit() != head or run_git(*_CHANGED).stdout:
        raise UpdateError("the project was changed meanwhile: commit what changed, then run this again")


def commit_tree(tree: str, message: str, parent: str | None = None) -> str:
    """Return a new commit, on no branch."""
    parents = ("-p", parent) if parent else ()
    return output_of("commit-tree", tree, *parents, "-F", "-", stdin=message)


def merge(base: str, theirs: str) -> Merged:
    """Merge the difference between two trees into HEAD; nothing is checked out.

    Raises:
        GitError: git fails.
    """
    ancestor = commit_tree(base, "base")
    ours, changed = (commit_tree(tree, "side", ancestor) for tree in (output_of("rev-parse", "HEAD^{tree}"), theirs))
    options = ("--write-tree", "-z", "--name-only", "--no-messages")
    # git names files in conflict from the folder in which it runs
    done = run_git("-C", top_folder(), *_RENAMES, "merge-tree", *options, ours, changed)
    if done.returncode > 1:
        raise GitError(f"git merge-tree: {failure_reason(done)}")
    tree, *names = done.stdout.split("\0")
    return Merged(tree, tuple(sorted({name for name in names if name})))


def check_untracked(tree: str) -> None:
    """Check that no file that git does not know would be overwritten, nor removed to make room for a file or a folder.

    Git itself does so without a word to those that it ignores.

    Raises:
        UpdateError: one would be.
    """
    top = Path(top_folder())
    listed = run_git("diff-tree", "-r", "-z", "--diff-filter=A", "--name-only", "HEAD", tree).stdout
    added = [PurePosixPath(name) for name in listed.split("\0") if name]
    # a folder that is a file or a link here; in those that are folders, there is much that git does not know
    parents = {parent for path in added for parent in path.parents}
    folders = sorted(parent for parent in parents if not _is_folder(top / parent))
    names = (f":(literal){path}" for path in (*added, *folders))
    others = run_git("-C", str(top), "ls-files", "-z", "--others", "--", *names).stdout if added else ""
    if in_the_way := [name for name in others.split("\0") if name]:
        shown = ", ".join(in_the_way[:5]) + (" ..." if len(in_the_way) > 5 else "")
        raise UpdateError(f"{shown}: not in git, and the template brings a file there: move it, or commit it")


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def apply(base: str, theirs: str, message: str) -> None:
    """Commit the difference between two trees on top of HEAD, or leave its conflicts in the files.

    Raises:
        UpdateError: git refuses; nothing was changed.
        GitError: git fails, and could not take back what it had begun; with what to do.
    """
    before = _state()
    change = commit_tree(theirs, message, commit_tree(base, "base"))
    options = ("--allow-empty", "--keep-redundant-commits", "--no-rerere-autoupdate")
    done = run_git(*_RENAMES, "cherry-pick", *options, change, timeout=_CHANGE_TIMEOUT)
    if done.returncode and not conflicting_files():
        reason = failure_reason(done)
        run_git("cherry-pick", "--abort", timeout=_CHANGE_TIMEOUT)
        after = _state()
        if after == before:
            raise UpdateError(f"git cherry-pick: {reason}; nothing was changed")
        unlock = f"rm -f {shlex.quote(after.lock)} && " if after.lock else ""
        raise GitError(
            f"git cherry-pick: {reason}; the project is not as it was. If no other git runs in it: "
            f"{unlock}git reset --hard {before.head[:12]}; then delete the new files that git status still lists"
        )


@dataclass(frozen=True)
class _State:
    """All of the project that a cherry-pick changes."""

    head: str
    changes: str
    under_way: bool
    lock: str
    """Of the index, which git leaves if it is killed; empty if there is none."""


def _state() -> _State:
    changes = run_git("status", "--porcelain", "-z", "--untracked-files=all", "--ignore-submodules=dirty").stdout
    picked, lock = (output_of("rev-parse", "--git-path", name) for name in ("CHERRY_PICK_HEAD", "index.lock"))
    return _State(head_commit(), changes, Path(picked).exists(), lock if Path(lock).exists() else "")


def conflicting_files() -> list[str]:
    """Return the paths of files with a conflict that nobody has resolved."""
    listed = run_git("diff", "-z", "--name-only", "--no-relative", "--diff-filter=U").stdout
    return [name for name in listed.split("\0") if name]
