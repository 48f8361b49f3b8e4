"""Fit the team's model."""

from typing import Any

from cd4ml.contract.columns import Array, Columns
from cd4ml.errors import ModelError, UserError, describe, locate
from cd4ml.settings.project import read_project
from cd4ml.training.estimator import frame_of


def fitted(model: Any, features: Columns, target: Array) -> Any:
    """Return `model` fitted on features and target, shape `(rows,)`.

    Raises:
        ModelError: scikit-learn, or a class of the team's own, rejected the parameters or the data.
    """
    try:
        return model.fit(frame_of(features), target)
    except (UserError, OSError):
        raise
    except Exception as failure:
        file = read_project().model
        where = locate(failure, file.parent) or file
        raise ModelError(f"{where}: the model cannot be fitted: {_reason(failure)}") from failure


def _reason(failure: Exception) -> str:
    """Return the first line of a rejection, which speaks for itself; of any other exception the type, too."""
    lines = str(failure).strip().splitlines()
    return lines[0] if lines and isinstance(failure, ValueError | TypeError) else describe(failure)
