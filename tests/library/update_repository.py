"""A small project in a repository, and its update to a newer generation, as `prepare` and `carry_out` do it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cd4ml.update.generation import Generation
from cd4ml.update.layout import layout_here
from cd4ml.update.merge import apply, check_ready, check_untracked, conflicting_files, merge
from cd4ml.update.plan import Plan, make_plan
from cd4ml.update.prepare import changes_of, situation
from cd4ml.update.summary import Change
from cd4ml.update.trees import tree_of, tree_of_folder
from trained_repository import run

PROJECT = {"pyproject.toml": '[project]\nname = "houses"\n'}


def git(*arguments: str, fails: bool = False, **settings: str) -> str:
    """Run git, and return what it printed."""
    return run("git", *arguments, fails=fails, **settings)


def commit(message: str = "ours") -> str:
    """Commit all that is in the working directory, and return the commit."""
    git("add", "--all")
    git("commit", "--quiet", "--no-gpg-sign", "--message", message)
    return git("rev-parse", "HEAD")


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write files into a folder."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def page(name: str) -> str:
    """Return a text that is like no other page's."""
    return "".join(f"line {number} of {name}\n" for number in range(30))


def generation(folder: Path, files: Mapping[str, str]) -> Generation:
    """Return a project as it is generated, of files that are written into a new folder outside of it."""
    write(folder, PROJECT | dict(files))
    return Generation(tree_of_folder(folder), folder.name)


def start(folder: Path, files: Mapping[str, str]) -> None:
    """Make a repository of a project as it was generated."""
    write(folder, PROJECT | dict(files))
    git("-C", str(folder), "init", "--quiet", "--initial-branch=main")
    git("-C", str(folder), "add", "--all")
    git("-C", str(folder), "commit", "--quiet", "--no-gpg-sign", "--message", "a new project")


def update(old: Generation, new: Generation) -> tuple[Plan, list[Change]]:
    """Update the project in the working directory; return the plan, and what was said to happen to each file.

    The files in conflict are those that were foreseen.
    """
    check_ready()
    layout = layout_here()
    plan = make_plan(situation(old, new, layout))
    base, theirs = tree_of(plan.base, layout), tree_of(plan.theirs, layout)
    foreseen = merge(base, theirs)
    check_untracked(foreseen.tree)
    changes = changes_of(foreseen, layout, plan)
    apply(base, theirs, "update")
    assert conflicting_files() == list(foreseen.conflicts)
    return plan, changes
