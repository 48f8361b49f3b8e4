"""Fit the team's model, and report an error with the line of the team's code that it comes from."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from cd4ml.contract.columns import Array, Columns
from cd4ml.errors import ModelError, UserError, describe, locate
from cd4ml.settings.project import read_project
from cd4ml.training.estimator import numbers_and_categories, to_frame


def fit(model: Any, features: Columns, target: Array) -> Any:
    """Return `model`, fitted on features and target, shape `(rows,)`.

    Raises:
        ModelError: scikit-learn, or one of the team's own classes, rejects the parameters or the data.
    """
    with explaining("be fitted", features):
        return model.fit(to_frame(features), target)


@contextmanager
def explaining(action: str, features: Columns | None = None, folds: int = 1) -> Iterator[None]:
    """Turn an exception of scikit-learn, or of the team's own classes, into a message: the model cannot `action`.

    Args:
        action: what it cannot do.
        features: of the rows to fit on, if it is fitted; the message names those that have no value there.
        folds: how many models are fitted, each on the rows of all folds but one; 1: one model, on all rows.

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
        hint = _describe_nulls(features or {}, folds)
        raise ModelError(f"{location}: the model cannot {action}: {_reason(failure)}{hint}") from failure


def _reason(failure: Exception) -> str:
    """Return the first line of a ValueError's or TypeError's message; any other exception with its type."""
    lines = str(failure).strip().splitlines()
    return lines[0] if lines and isinstance(failure, ValueError | TypeError) else describe(failure)


def null_features(features: Columns, folds: int = 1) -> list[str]:
    """Return the numeric features of which at most one of `folds` equal parts of the rows can have a value.

    Their values may all be in the part that a model is not fitted on; with one fold: those that have no value at all.
    """
    numbers, _ = numbers_and_categories(features)
    most = {name: len(features[name]) // folds if folds > 1 else 0 for name in numbers}
    return [name for name in numbers if np.isfinite(features[name]).sum() <= most[name]]


def _describe_nulls(features: Columns, folds: int) -> str:
    """Return, to append to a message, which features may be null in all rows that a model is fitted on, with advice."""
    names = null_features(features, folds)
    if not names:
        return ""
    rows = "all rows to fit on" if folds == 1 else "nearly all rows, perhaps in all that one fold is fitted on"
    listed = f"{', '.join(names[:3])}{' and others' if len(names) > 3 else ''}"
    return (
        f"; {listed} {'is' if len(names) == 1 else 'are'} null in {rows}: "
        "leave it out of features.py and contract.yaml, or train on more rows that have it"
    )
