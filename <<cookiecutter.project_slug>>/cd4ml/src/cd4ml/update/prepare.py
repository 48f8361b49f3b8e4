"""Work out an update without changing anything: generate twice, plan, merge, lock, and say what it does."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from cd4ml.files.checksums import SUMS
from cd4ml.files.git import run_git, write_tree
from cd4ml.terminal.output import report
from cd4ml.update.answers import with_settings
from cd4ml.update.generation import Generation, generate, generation_before
from cd4ml.update.layout import Layout, layout_here
from cd4ml.update.lock_file import LOCK, PYPROJECTS, Locked, Surroundings, locked
from cd4ml.update.lost_imports import lost_imports
from cd4ml.update.merge import Merged, check_untracked, merge
from cd4ml.update.new_params import Proposal, propose
from cd4ml.update.plan import Entry, Plan, Situation, edited_library, make_plan
from cd4ml.update.project_toml import parse_toml
from cd4ml.update.record import RECORD, Record, parse_record
from cd4ml.update.retraining import reruns, sentence
from cd4ml.update.summary import Change, Summary, changelog_between
from cd4ml.update.template import Revision, Template
from cd4ml.update.trees import blob_of, files_of, moved_files, project_files, text_of, tree_of

_OF_AN_INDEX = "the library comes from a package index: uv lock --upgrade-package cd4ml takes its newer version"
_KINDS = {"A": "new", "D": "removed", "M": "updated", "T": "updated"}


@dataclass(frozen=True)
class Prepared:
    """An update that has touched nothing yet."""

    base: str
    """A tree of the repository; its difference to `theirs` is what git merges."""
    theirs: str
    summary: Summary
    old: Generation
    new: Generation


def prepare(
    template: Template,
    record: Record,
    revision: Revision,
    answers: Mapping[str, str],
    settings: list[str],
    scratch: Path,
) -> Prepared:
    """Return the update of the project in this folder.

    Args:
        template: the template.
        record: what the project was generated from.
        revision: what it is brought to.
        answers: to the questions of that revision.
        settings: answers that the user sets besides.
        scratch: an empty folder.

    Raises:
        UpdateError: the template rejects an answer, a file of the project's cannot be read, uv cannot lock, or a file
            that git does not know is in the way.
    """
    layout = layout_here()
    answers = with_settings(answers, settings, template.questions(revision.commit))
    report(f"generating the project anew: {revision.title}")
    new = generate(template, revision.commit, answers, layout, scratch / "new")
    report(f"generating it as it was: {record.title}")
    old = generation_before(template, record, layout, scratch / "old")
    now = situation(old, new, layout)
    plan = make_plan(now)
    report("merging, and locking what is installed")
    first = merge(tree_of(plan.base, layout), tree_of(plan.theirs, layout))
    lock = _lock(first.tree, layout, old, new)
    plan = with_record(plan, now, lock)
    base, theirs = tree_of(plan.base, layout), tree_of(plan.theirs, layout)
    merged = merge(base, theirs)
    check_untracked(merged.tree)
    changes = changes_of(merged, layout, plan)
    address = new_address(new, record)
    alone = address and record.commit == revision.commit
    told = Summary(
        before=record.title,
        after=", ".join([revision.title, *settings, *([f"from {address}"] if alone else [])]),
        version=revision.version,
        commit=revision.commit,
        changes=tuple(changes),
        retrains=_retraining(merged, layout, changes),
        lock=lock.note,
        proposal=_proposal(old, new, layout, merged),
        library=tuple(edited_library(now)),
        changelog=changelog_between(template.changelog(revision.commit), record.version, revision.version),
        notes=(
            *([old.note] if old.note else []),
            *([f"{RECORD} names the template at {address} from now on"] if address else []),
            *([] if now.has_library else [_OF_AN_INDEX]),
            *lost_imports(merged.tree, layout),
        ),
    )
    return Prepared(base, theirs, told, old, new)


def new_address(new: Generation, record: Record) -> str:
    """Return where the template is from now on; empty if that is as it was recorded, or nothing was."""
    source = parse_record(text_of(new.tree, RECORD) or "").source
    return source if record.source and source != record.source else ""


def situation(old: Generation, new: Generation, layout: Layout) -> Situation:
    """Return the files of both generations and of the project, and where team and template moved some of them."""
    ours = project_files("HEAD", layout)
    alone = write_tree("".join(f"{entry.mode} blob {entry.blob}\t{path}\0" for path, entry in ours.items()))
    pyproject = parse_toml(text_of("HEAD", layout.in_repository("pyproject.toml")) or "", "pyproject.toml")
    source = pyproject.get("tool", {}).get("uv", {}).get("sources", {}).get("cd4ml", {"workspace": True})
    return Situation(
        files_of(old.tree),
        files_of(new.tree),
        ours,
        moved=moved_files(old.tree, alone),
        renamed=moved_files(old.tree, new.tree),
        has_library="workspace" in source,
    )


def with_record(plan: Plan, now: Situation, lock: Locked) -> Plan:
    """Return a plan that replaces uv.lock and the record, whatever the project has there."""
    news = {LOCK: Entry("100644", blob_of(lock.text))} | {
        name: now.new[name] for name in (RECORD, SUMS) if name in now.new
    }
    base = plan.base | {name: now.ours[name] for name in news if name in now.ours}
    return replace(plan, base=base, theirs=plan.theirs | news)


def changes_of(merged: Merged, layout: Layout, plan: Plan) -> list[Change]:
    """Return what happens to each file, in the order of their paths."""
    listed = run_git("diff-tree", "-r", "-z", "--no-renames", "--name-status", "HEAD", merged.tree).stdout.split("\0")
    kinds = {path: _KINDS[letter] for letter, path in zip(listed[::2], listed[1::2], strict=False)}
    kinds |= dict.fromkeys(merged.conflicts, "conflict")
    inside = {layout.in_project(path) or path: kind for path, kind in kinds.items()}
    changes = [Change(path, kind) for path, kind in inside.items() if path not in (RECORD, SUMS)]
    return sorted(
        [*changes, *(Change(path, "left alone", why) for path, why in plan.left.items())], key=lambda one: one.path
    )


def _lock(tree: str, layout: Layout, old: Generation, new: Generation) -> Locked:
    pyprojects = {path: text_of(tree, layout.in_repository(path)) for path in PYPROJECTS}
    generated = {path: text_of(new.tree, path) for path in PYPROJECTS}
    return locked(
        {path: text for path, text in pyprojects.items() if text is not None},
        {path: text for path, text in generated.items() if text is not None},
        text_of("HEAD", layout.in_repository(LOCK)),
        text_of(old.tree, LOCK) or "",
        text_of(new.tree, LOCK) or "",
        Surroundings(tree, layout.prefix),
    )


def _retraining(merged: Merged, layout: Layout, changes: list[Change]) -> str:
    before = _stages(text_of("HEAD", layout.in_repository("dvc.yaml")))
    after = _stages(text_of(merged.tree, layout.in_repository("dvc.yaml")))
    if after is None:
        return "not known before the conflict in dvc.yaml is resolved"
    changed = {change.path for change in changes if change.kind != "left alone"}
    has_model = text_of("HEAD", layout.in_repository("dvc.lock")) is not None
    return sentence(reruns(before or {}, after, changed), has_model=has_model)


def _stages(text: str | None) -> dict[str, Any] | None:
    """Return the stages in the text of dvc.yaml; None if it is not YAML, as a file in conflict is not."""
    try:
        content = yaml.safe_load(text or "")
    except yaml.YAMLError:
        return None
    return dict(content.get("stages", {})) if isinstance(content, dict) else None


def _proposal(old: Generation, new: Generation, layout: Layout, merged: Merged) -> Proposal:
    ours = text_of("HEAD", layout.in_repository("params.yaml"))
    if ours is None:
        return Proposal("", ())
    stages = _stages(text_of(merged.tree, layout.in_repository("dvc.yaml"))) or {}
    named = [name for stage in stages.values() for name in stage.get("params", ()) if isinstance(name, str)]
    return propose(text_of(old.tree, "params.yaml") or "", text_of(new.tree, "params.yaml") or "", ours, named)
