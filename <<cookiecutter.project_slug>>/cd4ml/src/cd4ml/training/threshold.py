"""Choose the decision threshold: rows at or above this probability are predicted positive."""

from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import cross_val_predict

from cd4ml.contract.columns import Array, Columns
from cd4ml.training.estimator import to_frame
from cd4ml.training.fit import explaining
from cd4ml.training.random_folds import random_folds

FOLDS = 3


def best_threshold(probabilities: Array, target: Array) -> float:
    """Return the threshold in (0, 1] that maximises balanced accuracy, the mean of both classes' recall.

    It lies midway between two neighbouring probabilities, rounded to as few digits as keep it between them. It is the
    upper one if there is no number between them.

    Args:
        probabilities: of the positive class, shape `(rows,)`, from models that were not fitted on the row.
        target: 0 or 1, shape `(rows,)`; both values occur.
    """
    order = np.argsort(probabilities, kind="stable")[::-1]
    ranked, positive = probabilities[order], target[order]
    true_positive_rate = np.cumsum(positive) / positive.sum()
    false_positive_rate = np.cumsum(1 - positive) / (1 - positive).sum()
    last_of_ties = np.append(ranked[:-1] > ranked[1:], False)
    if not last_of_ties.any():
        return 0.5
    youden_index = np.where(last_of_ties, true_positive_rate - false_positive_rate, -np.inf)
    best = int(np.argmax(youden_index))
    return _between(float(ranked[best + 1]), float(ranked[best]))


def _between(low: float, high: float) -> float:
    """Return a number with few digits, about midway between two others; `high` if there is none between them."""
    midway = (low + high) / 2
    rounded = [round(midway, 6), *(float(f"{midway:.{digits}g}") for digits in range(1, 18))]
    return next((number for number in rounded if low < number < high), high)


def choose_threshold(model: Any, features: Columns, target: Array, groups: Array | None = None) -> float:
    """Return the best threshold for the training set's probabilities, which cross-validation predicts.

    Args:
        model: an estimator, which is not changed.
        features: the features of the training set.
        target: 0 or 1, shape `(rows,)`.
        groups: what each row belongs to, shape `(rows,)`: rows of one group are in one fold; None: no groups.

    Raises:
        ModelError: a model that is fitted on a part of the rows cannot score the others.
    """
    folds = random_folds("binary", FOLDS, 0, grouped=groups is not None)
    with explaining("score rows that the contract allows", features, FOLDS):
        probabilities = cross_val_predict(
            clone(model), to_frame(features), target, groups=groups, cv=folds, method="predict_proba"
        )
    return best_threshold(probabilities[:, 1], target)
