"""The command line `cd4ml VERB`: run a verb's module, and print an error in one or two lines."""

import errno
import importlib
import os
import sys
from io import TextIOWrapper

from cd4ml.errors import UserError, describe, locate
from cd4ml.terminal.verbs import GROUPS, VERBS, Verb

TRACEBACK = "CD4ML_TRACEBACK"
_SIGPIPE = 141  # the shell's exit code of a program whose reader has ended

_DISK_ERRORS = {
    errno.ENOSPC: "the disk is full; free some space, then run this again",
    errno.EDQUOT: "your disk quota is used up; free some space, then run this again",
    errno.EROFS: "this folder is on a disk that cannot be written to; move the project, or remount the disk",
    errno.EACCES: "permission denied; change the permissions or the owner of the file",
    errno.EEXIST: "a file, or a link that leads nowhere, is where a folder is needed; move it away",
    errno.ENOTDIR: "a file is where a folder is needed; move it away",
    errno.EISDIR: "a folder is where a file is needed; move it away",
}


def run() -> None:
    """Run the verb in the arguments of this process, and exit with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that is not UTF-8 lacks characters of the tables
    try:
        code = main(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # what reads the output, such as `head`, has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python's own flush at exit fails, too
        code = _SIGPIPE
    sys.exit(code)


def main(arguments: list[str]) -> int:
    """Run a verb; return the exit code.

    0 if it succeeded, 1 for an error that the user can fix, 2 for an unknown verb, 130 if Ctrl-C stopped it. Errors of
    the library itself are raised.
    """
    verb, *rest = arguments or ["--help"]
    if verb in ("--help", "-h", "help"):
        print(usage())
        return 0
    if verb == "--version":
        print(_version())
        return 0
    if verb not in VERBS:
        print(f"cd4ml: unknown verb {verb!r}; cd4ml --help lists the verbs", file=sys.stderr)
        return 2
    try:
        if not {"-h", "--help"} & set(rest):
            _check_place(VERBS[verb])
        importlib.import_module(f"cd4ml.{VERBS[verb].module}").main([*VERBS[verb].before, *rest])
    except UserError as error:
        return _fail(_label(verb, rest), str(error))
    except KeyboardInterrupt:
        print(f"\n{verb}: stopped", file=sys.stderr)
        return 130  # the shell's convention for a program that Ctrl-C stopped
    except Exception as failure:
        message = _explain(failure)
        if message is None:
            raise
        return _fail(_label(verb, rest), message)
    return 0


def _check_place(verb: Verb) -> None:
    """Check that the verb runs in its own project, and if it needs git, in a repository.

    Raises:
        UserError: it does not; with what to do.
    """
    from cd4ml.files.place import check_environment, check_git, forget_caller

    forget_caller()
    check_environment()
    if verb.git:
        check_git()


def usage() -> str:
    """Return the text of `cd4ml --help`: the verbs, by group."""
    width = max(map(len, VERBS)) + 2
    lines = ["usage: cd4ml VERB [ARGUMENTS]; cd4ml VERB --help shows its arguments and an example"]
    for group, verbs in GROUPS.items():
        lines += ["", f"{group}:", *(f"  {name:<{width}}{verb.purpose}" for name, verb in verbs.items())]
    return "\n".join([*lines, "", f"{TRACEBACK}=1 shows the traceback of an error"])


def _version() -> str:
    from importlib.metadata import version

    return f"cd4ml {version('cd4ml')}"


def _label(verb: str, rest: list[str]) -> str:
    """Return how an error message begins: with the verb, and for `stage` with the stage's name."""
    return " ".join([verb, *rest[:1]]) if verb == "stage" else verb


def _fail(label: str, message: str) -> int:
    if os.environ.get(TRACEBACK, "") not in ("", "0"):
        import traceback

        traceback.print_exc()
    print(f"{label}: {message}", file=sys.stderr)
    return 1


def _explain(failure: Exception) -> str | None:
    """Return the message for an exception that the user can fix, though no UserError; None if it is the library's."""
    if isinstance(failure, OSError) and failure.errno in _DISK_ERRORS:
        name = failure.filename2 or failure.filename  # of a rename, where to
        file = f" ({name})" if name else ""
        return f"{_DISK_ERRORS[failure.errno]}{file}; no existing file was changed"
    if isinstance(failure, FileNotFoundError) and (missing := _explain_missing(failure)):
        return missing
    return _explain_team_code(failure)


def _explain_missing(failure: FileNotFoundError) -> str | None:
    """Return that a stage was not run that writes the file; None if no stage does."""
    from pathlib import Path

    from cd4ml.settings.paths import WRITTEN_BY, explain_missing

    path = Path(os.fsdecode(failure.filename or b""))
    return explain_missing(path) if path in WRITTEN_BY else None


def _explain_team_code(failure: Exception) -> str | None:
    """Return `file:line: message` for an exception that the team's own code raised; None if it did not."""
    from cd4ml.settings.project import read_project

    try:
        package = read_project().model.parent
    except UserError:
        return None
    place = locate(failure, package)
    return f"{place}: {describe(failure)}" if place else None
