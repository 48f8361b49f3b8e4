"""The project as the template generates it, as a tree in git; the branch `template` keeps these trees and no others."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cd4ml.files.checksums import SUMS, differing, parse_checksums
from cd4ml.files.git import output_of, remote_name, run_git
from cd4ml.update.layout import Layout
from cd4ml.update.merge import commit_tree
from cd4ml.update.record import RECORD, Record, UpdateError
from cd4ml.update.render import render
from cd4ml.update.template import Template
from cd4ml.update.trees import text_of, tree_of_folder

BRANCH = "template"
_GENERATED = "generated from the template"


@dataclass(frozen=True)
class Generation:
    """A project as it was generated: nobody has changed it."""

    tree: str
    """Of the project's folder alone."""
    title: str
    commit: str = ""
    """On the branch `template`, if it is there already."""
    note: str = ""
    """What a person has to know of it."""


def generate(template: Template, commit: str, answers: Mapping[str, str], layout: Layout, scratch: Path) -> Generation:
    """Generate a project from a commit of the template.

    Args:
        template: the template.
        commit: its commit.
        answers: to its questions.
        layout: where the project's workflows are.
        scratch: a folder that does not exist yet.

    Raises:
        UpdateError: the template rejects an answer.
    """
    checkout = scratch / "checkout"
    template.check_out(commit, checkout)
    folder = render(checkout, answers, scratch / "generated")
    layout.adapt(folder)
    return Generation(tree_of_folder(folder), template.revision(commit).title)


def generation_before(template: Template, record: Record, layout: Layout, scratch: Path) -> Generation:
    """Return what a project was generated as: from the branch `template`, or else generated again.

    Raises:
        UpdateError: the template has neither the commit nor the version that the record names.
    """
    check_branch()
    if kept := _kept(layout):
        return Generation(output_of("rev-parse", f"{kept}^{{tree}}"), record.title, kept)
    commit = record.commit if template.has(record.commit) else template.released().get(record.version, "")
    if not commit:
        raise UpdateError(
            f"the template has no {record.title}, of which this project was made; its versions: "
            f"{', '.join(template.released()) or 'none yet'}. SOURCE=... names the template that has it"
        )
    checkout, note = scratch / "checkout", ""
    template.check_out(commit, checkout)
    folder = render(checkout, record.answers, scratch / "generated")
    if sums := text_of("HEAD", layout.prefix + SUMS):
        other = [path for path in differing(folder, parse_checksums(sums)) if path != RECORD]
        if other:
            named = ", ".join(other[:5])
            note = f"the template's {record.version} makes other files now than it did for this project: {named}"
    layout.adapt(folder)
    return Generation(tree_of_folder(folder), record.title, note=note)


def keep(old: Generation, new: Generation) -> None:
    """Put both onto the branch `template`, which is made if it is missing."""
    commit = old.commit or commit_tree(old.tree, f"{_GENERATED} {old.title}", _tip())
    commit = commit_tree(new.tree, f"{_GENERATED} {new.title}", commit)
    output_of("update-ref", "-m", "make update", f"refs/heads/{BRANCH}", commit)


def check_branch() -> None:
    """Check that a branch `template` is what updates keep, and not the one to update.

    Raises:
        UpdateError: it is another one, or checked out, or cannot be made as git has a branch below that name.
    """
    if run_git("symbolic-ref", "--quiet", "HEAD").stdout.strip() == f"refs/heads/{BRANCH}":
        raise UpdateError(f"the branch {BRANCH} holds what the template generates: git switch to the one to update")
    if below := output_of("for-each-ref", "--format=%(refname:strip=2)", f"refs/heads/{BRANCH}/").splitlines():
        raise UpdateError(
            f"the branch {below[0]} is in the way of the branch {BRANCH}, which updates keep: "
            f"git branch -m {below[0]} another-name"
        )
    tip = _tip()
    if tip and text_of(tip, RECORD) is None:
        raise UpdateError(
            f"the branch {BRANCH} is yours, and updates need the name: git branch -m {BRANCH} another-name"
        )


def _kept(layout: Layout) -> str:
    """Return the commit on the branch `template` that has the project's own record; empty if there is none.

    Only commits that an update has made count: somebody may have edited files on that branch.
    """
    record, tip = text_of("HEAD", layout.prefix + RECORD), _tip()
    if record is None or tip is None:
        return ""
    commits = output_of("rev-list", "--max-count=100", f"--grep=^{_GENERATED} ", tip).split()
    return next((commit for commit in commits if text_of(commit, RECORD) == record), "")


def _tip() -> str | None:
    """Return the newest commit of the branch `template`: the local one, or else the remote's as it was last fetched."""
    remote = remote_name()
    names = [f"refs/heads/{BRANCH}", *([f"refs/remotes/{remote}/{BRANCH}"] if remote else [])]
    found = (run_git("rev-parse", "--quiet", "--verify", name).stdout.strip() for name in names)
    return next((commit for commit in found if commit), None)
