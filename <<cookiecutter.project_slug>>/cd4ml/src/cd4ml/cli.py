"""The command line `cd4ml VERB`: run a verb's module, and print an error in one or two lines."""

import importlib
import os
import sys

from cd4ml.errors import UserError, describe, locate
from cd4ml.terminal.ending import TRACEBACK, exit_with, explain_disk, fail
from cd4ml.terminal.verbs import GROUPS, VERBS, Verb


def run() -> None:
    """Run the verb in the arguments of this process, and exit with its exit code."""
    exit_with(lambda: main(sys.argv[1:]))


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
        importlib.import_module(f"cd4ml.{VERBS[verb].module}").main(rest)
    except UserError as error:
        return fail(_label(verb, rest), str(error))
    except KeyboardInterrupt:
        print(f"\n{verb}: stopped", file=sys.stderr)
        return 130  # the shell's convention for a program that Ctrl-C stopped
    except Exception as failure:
        message = _explain(failure)
        if message is None:
            raise
        return fail(_label(verb, rest), message)
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


def _explain(failure: Exception) -> str | None:
    """Return the message for an exception that the user can fix, though no UserError; None if it is the library's."""
    if message := explain_disk(failure):
        return message
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
