"""Ask scikit-learn estimators: features as the table they take, answers as arrays."""

from typing import Any

import numpy as np
import pandas as pd

from cd4ml.contract.columns import Array, Columns
from cd4ml.contract.contract import Task


def kinds_of(features: Columns) -> tuple[list[str], list[str]]:
    """Return the names of the features that are numbers, and of those that are categories."""
    numbers = [name for name, array in features.items() if array.dtype != object]
    return numbers, [name for name in features if name not in numbers]


def frame_of(features: Columns) -> pd.DataFrame:
    """Return features as the table that an estimator is fitted on and asked with."""
    return pd.DataFrame(features)


def answers(model: Any, features: Columns, task: Task) -> Array:
    """Return what a fitted model says: probabilities, shape `(rows, classes)`, or numbers, shape `(rows,)`."""
    frame = frame_of(features)
    said = model.predict(frame) if task == "regression" else model.predict_proba(frame)
    return np.asarray(said, dtype=np.float64)
