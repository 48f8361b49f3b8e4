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
    """Put both onto the branch `template`, which is made if it is missing.

    What is on it stays below: somebody's edits, or the generations of another project in the same repository. So it can
    be pushed.
    """
    tip = _tip()
    newest = output_of("log", "--max-count=2", "--format=%T", tip).split() if tip else []
    if tip and newest == [new.tree, old.tree]:  # an update that was made before, as a workflow does each month
        commit = tip
    else:
        base = old.commit if old.commit and old.commit == tip else commit_tree(old.tree, _subject(old), tip)
        commit = commit_tree(new.tree, _subject(new), base)
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
    ref = _ref()
    if ref and not _generations(ref, at_most=1):
        remote = remote_name()
        is_local = ref.startswith("refs/heads/")
        rename = (
            f"git branch -m {BRANCH} another-name"
            if is_local
            else f"git fetch {remote} && git push --atomic {remote} {remote}/{BRANCH}:refs/heads/another-name :{BRANCH}"
        )
        where = "" if is_local else f" of {remote}"
        raise UpdateError(f"the branch {BRANCH}{where} is yours, and updates need the name: {rename}")


def _kept(layout: Layout) -> str:
    """Return the commit on the branch `template` that has the project's own record; empty if there is none."""
    record, tip = text_of("HEAD", layout.prefix + RECORD), _tip()
    if record is None or tip is None:
        return ""
    return next((commit for commit in _generations(tip, at_most=100) if text_of(commit, RECORD) == record), "")


def _subject(generation: Generation) -> str:
    return f"{_GENERATED} {generation.title}"


def _generations(tip: str, at_most: int) -> list[str]:
    """Return the newest commits that an update has made: somebody may have edited files on that branch."""
    return output_of("rev-list", f"--max-count={at_most}", f"--grep=^{_GENERATED} ", tip).split()


def _tip() -> str | None:
    """Return the newest commit of the branch `template`; None if there is no such branch."""
    ref = _ref()
    return output_of("rev-parse", ref) if ref else None


def _ref() -> str:
    """Return the branch `template`: the local one, or else the remote's as it was last fetched; empty if none is."""
    remote = remote_name()
    names = [f"refs/heads/{BRANCH}", *([f"refs/remotes/{remote}/{BRANCH}"] if remote else [])]
    return next((name for name in names if run_git("rev-parse", "--quiet", "--verify", name).returncode == 0), "")
