"""Choose the decision threshold: the probability from which a binary answer is yes."""

from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from cd4ml.contract.columns import Array, Columns
from cd4ml.training.estimator import frame_of

FOLDS = 3


def best_threshold(probabilities: Array, target: Array) -> float:
    """Return the threshold in (0, 1) that maximises balanced accuracy, the mean of both classes' recall.

    Args:
        probabilities: of the positive class, shape `(rows,)`, from models that did not see the row.
        target: 0 or 1, shape `(rows,)`, both present.

    It lies midway between two neighbouring probabilities, so that rounding does not decide a label.
    """
    order = np.argsort(probabilities, kind="stable")[::-1]
    ranked, hits = probabilities[order], target[order]
    true_positive_rate = np.cumsum(hits) / hits.sum()
    false_positive_rate = np.cumsum(1 - hits) / (1 - hits).sum()
    last_of_ties = np.append(ranked[:-1] > ranked[1:], False)
    gain = np.where(last_of_ties, true_positive_rate - false_positive_rate, -np.inf)
    if not last_of_ties.any():
        return 0.5
    cut = int(np.argmax(gain))
    return round(float((ranked[cut] + ranked[cut + 1]) / 2), 6)


def choose_threshold(model: Any, features: Columns, target: Array) -> float:
    """Return the best threshold for probabilities that cross-validation gives the training rows."""
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    told = cross_val_predict(clone(model), frame_of(features), target, cv=folds, method="predict_proba")
    return best_threshold(told[:, 1], target)
