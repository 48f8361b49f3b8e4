"""Errors for a person: one or two lines that say what is wrong, where, and what to do next."""

from pathlib import Path
from traceback import walk_tb


class UserError(Exception):
    """An error that the user can fix. The command line prints it without a traceback and exits with 1."""


class ParamsError(UserError):
    """params.yaml is not what the pipeline can run with."""


class ContractError(UserError):
    """contract.yaml contradicts itself, or says something that no row could satisfy."""


class DataError(UserError):
    """The table is not what the contract or the parameters promise."""


class FeatureError(UserError):
    """features.py failed, or gave back something that no model can take."""


class ModelError(UserError):
    """model.py built something that the pipeline cannot fit, score or ship."""


class BundleError(UserError):
    """A bundle is absent, incomplete, altered, or newer than this code."""


def locate(failure: BaseException, folder: Path) -> str | None:
    """Return `file:line` of the last code inside `folder` that an exception passed; None if it did not pass there.

    A syntax error is at its own line.
    """
    root = folder.absolute()
    lines = [(Path(frame.f_code.co_filename), line) for frame, line in walk_tb(failure.__traceback__)]
    if isinstance(failure, SyntaxError) and failure.filename:
        lines.append((Path(failure.filename), failure.lineno or 1))
    inside = [(file.absolute(), line) for file, line in lines if file.absolute().is_relative_to(root)]
    return f"{folder / inside[-1][0].relative_to(root)}:{inside[-1][1]}" if inside else None


def describe(failure: BaseException) -> str:
    """Return an exception that is not ours in one line: its type, and the first line of its message."""
    lines = str(failure).strip().splitlines()
    return f"{type(failure).__name__}: {lines[0]}" if lines else type(failure).__name__
