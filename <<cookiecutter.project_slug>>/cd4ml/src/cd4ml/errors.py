"""Errors that the user can fix. A message says what is wrong, where, and what to do next, in one or two lines."""

from collections.abc import Sequence
from pathlib import Path
from traceback import walk_tb


class UserError(Exception):
    """An error that the user can fix. The command line prints it without a traceback, and exits with 1."""


class ParamsError(UserError):
    """params.yaml is not valid."""


class ContractError(UserError):
    """contract.yaml is not valid, or no row could satisfy it."""


class DataError(UserError):
    """The rows cannot be read, or do not match the contract or the parameters."""


class SplitError(UserError):
    """split.py failed, or did not say of each row whether it is in the test set."""


class FeatureError(UserError):
    """features.py failed, or returned features that no model can use."""


class ModelError(UserError):
    """model.py failed, or built a model that the pipeline cannot fit, evaluate or package."""


class MetricError(UserError):
    """metrics.py failed, has a function that is no metric, or one that does not return a number."""


class CardError(UserError):
    """The team's template of the model card is not valid, or failed."""


class ServiceError(UserError):
    """service.py failed, or has no function that adds routes, or one that the service has already."""


class BundleError(UserError):
    """A bundle is missing, incomplete or altered, or was written by a newer version of the library."""


def locate(failure: BaseException, folder: Path) -> str | None:
    """Return `file:line` of the innermost code inside `folder` that an exception passed through; None if it did not.

    For a syntax error in `folder`, that is the line of the error itself.
    """
    root = folder.absolute()
    lines = [(Path(frame.f_code.co_filename), line) for frame, line in walk_tb(failure.__traceback__)]
    if isinstance(failure, SyntaxError) and failure.filename:
        lines.append((Path(failure.filename), failure.lineno or 1))
    inside = [(file.absolute(), line) for file, line in lines if file.absolute().is_relative_to(root)]
    return f"{folder / inside[-1][0].relative_to(root)}:{inside[-1][1]}" if inside else None


def describe(failure: BaseException) -> str:
    """Return any exception in one line: its type, and the first line of its message."""
    lines = str(failure).strip().splitlines()
    return f"{type(failure).__name__}: {lines[0]}" if lines else type(failure).__name__


def nearest_names(name: str, names: Sequence[str]) -> list[str]:
    """Return the three names that are most like a name that does not exist."""
    import difflib

    lowered = {other.lower(): other for other in names}
    return [lowered[match] for match in difflib.get_close_matches(name.lower(), lowered, 3, 0.4)] or [*names[:3]]
