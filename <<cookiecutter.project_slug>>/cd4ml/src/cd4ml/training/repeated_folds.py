"""Predict the training set in repeated cross-validation: each row by models that were not fitted on it."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import cross_val_predict

from cd4ml.contract.columns import Array, Columns
from cd4ml.contract.contract import Task
from cd4ml.training.estimator import to_frame
from cd4ml.training.fit import explaining
from cd4ml.training.random_folds import random_folds

FOLDS = 5
REPEATS = 5


def repeated_scores(
    model: Any, features: Columns, target: Array, task: Task, groups: Array | None = None
) -> Iterator[Array]:
    """Yield the scores of every row, once for each of `REPEATS` random divisions into `FOLDS` folds.

    Args:
        model: an estimator, which is not changed.
        features: the features of the training set.
        target: shape `(rows,)`; each class occurs in as many rows as there are folds.
        task: the kind of target.
        groups: what each row belongs to, shape `(rows,)`: rows of one group are in one fold; None: no groups.

    Yields:
        Probabilities, shape `(rows, classes)`, or numbers, shape `(rows,)`.

    Raises:
        ModelError: a model that is fitted on a part of the rows cannot score the others.
    """
    method = "predict" if task == "regression" else "predict_proba"
    for repeat in range(REPEATS):
        folds = random_folds(task, FOLDS, repeat, grouped=groups is not None)
        with explaining("score rows that the contract allows", features, FOLDS):
            scores = cross_val_predict(clone(model), to_frame(features), target, groups=groups, cv=folds, method=method)
        yield np.asarray(scores, dtype=np.float64)
