"""Convert features to the table that scikit-learn takes, and predict scores with a fitted estimator."""

from typing import Any

import numpy as np
import pandas as pd

from cd4ml.contract.columns import Array, Columns
from cd4ml.contract.contract import Task


def numbers_and_categories(features: Columns) -> tuple[list[str], list[str]]:
    """Return the names of the numeric features, and those of the categorical features."""
    numbers = [name for name, array in features.items() if array.dtype != object]
    return numbers, [name for name in features if name not in numbers]


def to_frame(features: Columns) -> pd.DataFrame:
    """Return features as the table that an estimator is fitted on and predicts from."""
    return pd.DataFrame(features)


def predict_scores(model: Any, features: Columns, task: Task) -> Array:
    """Return a fitted model's scores: probabilities, shape `(rows, classes)`, or numbers, shape `(rows,)`."""
    frame = to_frame(features)
    scores = model.predict(frame) if task == "regression" else model.predict_proba(frame)
    return np.asarray(scores, dtype=np.float64)
