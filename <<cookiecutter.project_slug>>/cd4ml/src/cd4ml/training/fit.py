"""Fit the team's model."""

from typing import Any

from cd4ml.contract.columns import Array, Columns
from cd4ml.errors import ModelError, locate
from cd4ml.settings.project import read_project
from cd4ml.training.estimator import frame_of


def fitted(model: Any, features: Columns, target: Array) -> Any:
    """Return `model` fitted on features and target, shape `(rows,)`.

    Raises:
        ModelError: scikit-learn, or a class of the team's own, refused the parameters or the data.
    """
    try:
        return model.fit(frame_of(features), target)
    except (ValueError, TypeError) as refused:
        file = read_project().model
        place = locate(refused, file)
        where = f"{file}:{place[1]}" if place else str(file)
        raise ModelError(f"{where}: the model cannot be fitted: {str(refused).splitlines()[0]}") from refused
