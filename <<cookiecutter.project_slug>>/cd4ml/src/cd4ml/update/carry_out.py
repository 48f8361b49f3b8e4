"""Update the project in this folder from a clone of the template, with the library of the template's newer version.

`cd4ml update` starts this in the template's environment; `make update PROJECT=...` of the template starts it for a
project that was made before there were updates. All that takes time happens before anything is changed.
"""

import argparse
import json
import sys
from pathlib import Path

from cd4ml.errors import UserError
from cd4ml.files.atomic import write_text
from cd4ml.files.git import head_commit, output_of
from cd4ml.files.place import forget_caller
from cd4ml.files.temporary import temporary_folder
from cd4ml.terminal.ending import exit_with, explain_disk, fail
from cd4ml.update.alone import alone, uninterrupted
from cd4ml.update.answers import migrated, with_settings
from cd4ml.update.generation import BRANCH, keep
from cd4ml.update.graft import deduce
from cd4ml.update.merge import apply, check_ready, check_unchanged, conflicting_files
from cd4ml.update.prepare import Prepared, prepare
from cd4ml.update.record import DETAILS, RECORD, REPORT, Record, parse_record
from cd4ml.update.summary import Summary, as_json, as_markdown, as_table, by_file, in_files, remarks
from cd4ml.update.template import Template, check_direction, with_knowledge
from cd4ml.update.trees import text_of

SUBJECT = "update the template to"


def main() -> None:
    """Update the project in this folder; end with 1 if it cannot be updated, or if there are conflicts."""
    arguments = _arguments().parse_args()
    forget_caller()
    template = Template(arguments.template.absolute())
    try:
        exit_with(lambda: run(template, arguments))
    finally:
        template.forget_checkouts()


def run(template: Template, arguments: argparse.Namespace) -> int:
    """Update the project in this folder; return the exit code. Errors of the library itself are raised."""
    try:
        with alone():
            left = update(template, arguments)
    except UserError as error:
        return fail("update", str(error))
    except KeyboardInterrupt:
        return fail("update", "stopped; nothing was changed")
    except OSError as failure:
        if message := explain_disk(failure):
            return fail("update", message)
        raise
    if left:
        print(f"update: {left}", file=sys.stderr)
    return 1 if left else 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="update", description=__doc__)
    parser.add_argument("--template", required=True, type=Path, help="a clone of the template")
    parser.add_argument("--target", required=True, help="its commit that the project is brought to")
    parser.add_argument("--base", default="", help="the version that the project was made of, if it has no record")
    parser.add_argument("--set", action="append", default=[], help="an answer, such as platform=fargate")
    parser.add_argument("--moved", action="store_true", help="record the template's address, if nothing else changes")
    parser.add_argument("--dry-run", action="store_true", help="print what would change, file by file")
    return parser


def update(template: Template, arguments: argparse.Namespace) -> str | None:
    """Update the project in this folder; return what is left to do if it is not done, for a person.

    Raises:
        UpdateError: the project cannot be updated as asked; nothing was changed.
    """
    check_ready()
    before = head_commit()
    template = with_knowledge(template, arguments.target)
    revision = template.revision(arguments.target)
    with temporary_folder("update-") as scratch:
        problem = with_settings({}, arguments.set, template.questions(revision.commit)).get("problem", "")
        record = record_here() or deduce(template, arguments.base, problem, scratch)
        check_direction(template, record, revision)
        if record.commit == revision.commit and not arguments.set and not arguments.moved:
            print(f"nothing to update: the project has {revision.title} already")
            return None
        renamed = template.known.get("renamed", ())
        answers = migrated(record.answers, renamed, record.version, revision.version)
        prepared = prepare(template, record, revision, answers, arguments.set, scratch)
    if prepared.base == prepared.theirs:
        answered = f" with {' '.join(arguments.set)}" if arguments.set else ""
        print(f"nothing to update: the project has {revision.title}{answered} already")
        return None
    if arguments.dry_run:
        print(by_file(prepared.summary), *remarks(prepared.summary), sep="\n")
        conflicts = in_files(len(prepared.summary.conflicts))
        outcome = f"leaves {conflicts} in conflict" if prepared.summary.conflicts else "becomes one commit"
        print(f"nothing was changed; without DRY_RUN this {outcome}")
        return None
    with uninterrupted():
        check_unchanged(before)
        return carry_out(prepared)


def record_here() -> Record | None:
    """Return the record in the last commit; None if the project has none."""
    text = text_of("HEAD", output_of("rev-parse", "--show-prefix") + RECORD)
    return None if text is None else parse_record(text)


def carry_out(prepared: Prepared) -> str | None:
    """Commit the update, or leave its conflicts in the files; return what is left to do if there are any."""
    told = prepared.summary
    apply(prepared.base, prepared.theirs, message_of(told))
    not_kept, not_written = keep_generations(prepared), write_report(told)
    print(as_table(told), *remarks(told), *filter(None, (not_kept, not_written)), sep="\n")
    if conflicts := conflicting_files():
        return (
            f"{in_files(len(conflicts))} in conflict, not committed: {', '.join(conflicts)}\n"
            "edit what is between the markers in them, then: git add -u && git cherry-pick --continue\n"
            "to give up: git cherry-pick --abort"
        )
    news = "" if not_written else f"what is new is in {REPORT}; "
    print(f"committed: {message_of(told).splitlines()[0]}; {news}to undo: git revert HEAD")
    print("next: make setup lint test" + (" train gate" if told.retrains.startswith("yes") else ""))
    return None


def keep_generations(prepared: Prepared) -> str:
    """Move the branch `template`; return a line if that fails, as the update itself is made."""
    try:
        keep(prepared.old, prepared.new)
    except (UserError, OSError) as error:
        return f"the branch {BRANCH} stays as it was, and the next update does without it: {error}"
    return ""


def write_report(told: Summary) -> str:
    """Describe the update in build/, for a person and a program; return a line if that fails, as the update is made."""
    try:
        write_text(REPORT, as_markdown(told))
        write_text(DETAILS, json.dumps(as_json(told), indent=2))
    except OSError as error:
        return f"{REPORT} cannot be written: {error.strerror or error}"
    return ""


def message_of(told: Summary) -> str:
    """Return the message of the update's commit."""
    return f"{SUBJECT} {told.after}\n\nIt was {told.before}. Retrains: {told.retrains}.\n"


if __name__ == "__main__":
    main()
