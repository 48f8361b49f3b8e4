"""The command line, `cd4ml VERB`: finds a verb's module, runs it, and turns errors into one or two lines."""

import errno
import importlib
import os
import sys

from cd4ml.errors import UserError, describe, locate
from cd4ml.terminal.verbs import GROUPS, VERBS

TRACEBACK = "CD4ML_TRACEBACK"

_DISK_ERRORS = {
    errno.ENOSPC: "the disk is full; make room and run it again",
    errno.EDQUOT: "your quota of the disk is used up; make room and run it again",
    errno.EROFS: "this folder is on a disk that cannot be written to; move the project, or mount it otherwise",
    errno.EACCES: "you may not read or write this; change its permissions, or its owner",
}


def run() -> None:
    """Run the verb that the process's arguments name, and exit."""
    sys.exit(main(sys.argv[1:]))


def main(arguments: list[str]) -> int:
    """Run a verb; return the exit code: 0, 1 for an error that the user can fix, 2 for an unknown verb."""
    verb, *rest = arguments or ["--help"]
    if verb in ("--help", "-h", "help"):
        print(usage())
        return 0
    if verb == "--version":
        print(_version())
        return 0
    if verb not in VERBS:
        print(f"cd4ml: {verb!r} is not a verb; cd4ml --help lists them", file=sys.stderr)
        return 2
    try:
        if VERBS[verb].git:
            _check_git()
        importlib.import_module(f"cd4ml.{VERBS[verb].module}").main([*VERBS[verb].before, *rest])
    except UserError as error:
        return _fail(_label(verb, rest), str(error))
    except KeyboardInterrupt:
        print(f"\n{verb}: stopped", file=sys.stderr)
        return 130  # as any program that Ctrl-C stops
    except Exception as failure:
        message = _explain(failure)
        if message is None:
            raise
        return _fail(_label(verb, rest), message)
    return 0


def usage() -> str:
    """Return the verbs in their groups."""
    width = max(map(len, VERBS)) + 2
    lines = ["usage: cd4ml VERB [ARGUMENTS]; cd4ml VERB --help shows its arguments and an example"]
    for group, verbs in GROUPS.items():
        lines += ["", f"{group}:", *(f"  {name:<{width}}{verb.purpose}" for name, verb in verbs.items())]
    return "\n".join([*lines, "", f"{TRACEBACK}=1 shows where in the code an error was raised"])


def _version() -> str:
    from importlib.metadata import version

    return f"cd4ml {version('cd4ml')}"


def _check_git() -> None:
    import subprocess  # git alone; imported late, since `cd4ml --help` does not need it

    try:
        looked = subprocess.run(["git", "rev-parse", "--git-dir"], capture_output=True, check=False)
    except FileNotFoundError:
        raise UserError("git was not found, and DVC needs it: install git, then run git init") from None
    if looked.returncode:
        raise UserError("not in a git repository, which DVC needs: run git init")


def _label(verb: str, rest: list[str]) -> str:
    """Return what an error message begins with: the verb, and which stage."""
    return " ".join([verb, *rest[:1]]) if verb == "stage" else verb


def _fail(label: str, message: str) -> int:
    if os.environ.get(TRACEBACK, "") not in ("", "0"):
        import traceback

        traceback.print_exc()
    print(f"{label}: {message}", file=sys.stderr)
    return 1


def _explain(failure: Exception) -> str | None:
    """Return what a user can do about an exception that is not ours; None if it is an error of this library."""
    if isinstance(failure, OSError) and failure.errno in _DISK_ERRORS:
        where = f" ({failure.filename})" if failure.filename else ""
        return f"{_DISK_ERRORS[failure.errno]}{where}; nothing that was there was changed"
    return _explain_team_code(failure)


def _explain_team_code(failure: Exception) -> str | None:
    """Return file and line of an exception that the team's own code raised; None if it did not."""
    from cd4ml.settings.project import read_project

    try:
        package = read_project().model.parent
    except UserError:
        return None
    place = locate(failure, package)
    return f"{place}: {describe(failure)}" if place else None
