"""The verb `update`: fetch the template, and let the library of the version that is asked for update this project."""

import subprocess
from pathlib import Path

from cd4ml.files.git import PASSWORD_IN_URL, failure_reason, run_command
from cd4ml.files.temporary import temporary_folder
from cd4ml.terminal.arguments import Arguments
from cd4ml.terminal.output import report
from cd4ml.update.merge import check_ready
from cd4ml.update.record import RECORD, Record, UpdateError, parse_record
from cd4ml.update.template import Template, check_direction, clone
from cd4ml.update.template_uv import uv

_TIMEOUT = 600  # seconds: uv may have to download all that the template needs
_LIBRARY = "*/cd4ml/src"  # in the template, in the folder of the generated project


def main(argv: list[str]) -> None:
    """Update the project in this folder to a version of the template, or show what that would change.

    Raises:
        UpdateError: there is nothing to update from, or the project cannot be updated as asked; nothing was changed.
        SystemExit: with 1, as the update has conflicts or was refused; the reason is printed.
    """
    parser = Arguments("update")
    parser.add_argument(
        "--to", default="", help="a version, tag, branch or commit of the template (the newest version)"
    )
    parser.add_argument("--set", action="append", default=[], help="another answer, such as platform=fargate")
    parser.add_argument("--source", default="", help="where the template is, if it moved")
    parser.add_argument(
        "--dry-run", action="store_true", help="list what would change, file by file, and change nothing"
    )
    arguments = parser.parse_args(argv)
    record = _record()
    check_ready()
    with temporary_folder("template-") as folder:
        source = arguments.source or record.source
        report(f"reading the template at {PASSWORD_IN_URL.sub('', source)}")
        template = clone(source, folder / "template")
        target = _target(template, record, arguments.to, bool(arguments.set))
        revision = template.revision(target)
        moved = bool(arguments.source) and template.is_elsewhere(record.source)
        if not arguments.to and template.has(record.commit) and template.is_older(target, record.commit):
            if not moved:
                print(f"nothing to update: the project has {record.title}, the newest version is {revision.title}")
                return
            report(f"the project has {record.title}, the newest version is {revision.title}: only the address changes")
            target, revision = record.commit, template.revision(record.commit)
        check_direction(template, record, revision)
        template.check_out(target, folder / "newer")
        words = [word for setting in arguments.set for word in ("--set", setting)]
        words += ["--moved"] if moved else []
        words += ["--dry-run"] if arguments.dry_run else []
        code = _start(folder / "newer", ["--template", str(template.folder), "--target", target, *words])
    if code:
        raise SystemExit(code)


def _record() -> Record:
    path = Path(RECORD)
    if not path.is_file():
        raise UpdateError(
            f"{RECORD} is missing: this project was made before there were updates. In a clone of the template: "
            f"make update PROJECT={Path.cwd()}"
        )
    return parse_record(path.read_text(encoding="utf-8"))


def _target(template: Template, record: Record, ref: str, sets_answers: bool) -> str:
    """Return the commit to update to: the one named, the project's if only answers change, or the newest version."""
    if ref:
        return template.find(ref)
    return record.commit if sets_answers and template.has(record.commit) else template.newest()


def _start(checkout: Path, words: list[str]) -> int:
    """Run the update with the template's own library and environment; return its exit code."""
    (library,) = checkout.glob(_LIBRARY)
    if not (library / "cd4ml/update").is_dir():
        raise UpdateError("that version is from before there were updates; ask for a newer one")
    options = ["--quiet", "--frozen", "--no-default-groups", "--project", str(checkout)]
    done = run_command([*uv(), "sync", *options], _TIMEOUT)
    if done.returncode:
        raise UpdateError(f"uv cannot install what the template needs: {failure_reason(done)}; nothing was changed")
    run = [*uv(PYTHONPATH=str(library)), "run", "--no-sync", *options]
    with subprocess.Popen([*run, "python", "-m", "cd4ml.update.carry_out", *words]) as process:
        try:
            return process.wait()
        except BaseException as stopped:
            if not isinstance(stopped, KeyboardInterrupt):  # which the terminal sends to the update, too
                process.terminate()  # uv passes it on; killed, it would let the update go on without its template
            process.wait()
            raise
