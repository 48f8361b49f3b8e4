"""Fit the team's model, and report an error with the line of the team's code that it comes from."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cd4ml.contract.columns import Array, Columns
from cd4ml.errors import ModelError, UserError, describe, locate
from cd4ml.settings.project import read_project
from cd4ml.training.estimator import to_frame


def fit(model: Any, features: Columns, target: Array) -> Any:
    """Return `model`, fitted on features and target, shape `(rows,)`.

    Raises:
        ModelError: scikit-learn, or one of the team's own classes, rejects the parameters or the data.
    """
    with explaining("be fitted"):
        return model.fit(to_frame(features), target)


@contextmanager
def explaining(action: str) -> Iterator[None]:
    """Turn an exception of scikit-learn, or of the team's own classes, into a message: the model cannot `action`.

    Raises:
        ModelError: the block raised such an exception.
    """
    try:
        yield
    except (UserError, OSError):
        raise
    except Exception as failure:
        file = read_project().model
        location = locate(failure, file.parent) or file
        raise ModelError(f"{location}: the model cannot {action}: {_reason(failure)}") from failure


def _reason(failure: Exception) -> str:
    """Return the first line of a ValueError's or TypeError's message; any other exception with its type."""
    lines = str(failure).strip().splitlines()
    return lines[0] if lines and isinstance(failure, ValueError | TypeError) else describe(failure)
