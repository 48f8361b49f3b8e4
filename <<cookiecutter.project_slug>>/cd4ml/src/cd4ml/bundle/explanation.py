"""Explain predictions by single-column swaps: what the score of a row would be with one column at its training median.

A contribution is the score of the row, minus the score of the same row with this one column at its reference value:
the median of the training set, or the most frequent value of a boolean or a category. Columns are swapped one at a
time. These are not SHAP values: they do not add up to the score, what two columns do together appears in both, and
they say how the model calculates, not what causes what.

The score is the probability of true (binary), the probability of the predicted class (multiclass), or the number
(regression).
"""

from typing import Any

import numpy as np

from cd4ml.bundle.decision import Decision
from cd4ml.contract.column import Column
from cd4ml.contract.columns import Array, Columns, normalize
from cd4ml.contract.contract import Contract


def reference_columns(profile: dict[str, Any], contract: Contract) -> Columns:
    """Return the reference value of each column, normalized, shape `(1,)`.

    A column is absent if the profile has no value of it: all of its values in the training set are null, or it is a
    timestamp in a bundle that was made before profiles had the median of timestamps.

    Args:
        profile: the content of reference.json.
        contract: of the same bundle.
    """
    values = {name: _reference_value(profile["columns"][name], column) for name, column in contract.columns.items()}
    return {name: normalize([value], contract.columns[name]) for name, value in values.items() if value is not None}


def _reference_value(profile: dict[str, Any], column: Column) -> Any:
    """Return a JSON value, or None; quantiles are listed from 0 to 1, categories from the most frequent on."""
    if column.type == "category":
        return next(iter(profile["shares"]), None)
    if column.type == "timestamp":
        return profile.get("median")
    if column.type == "boolean":
        return None if profile["nulls"] == 1 else profile["true"] >= 0.5
    quantiles = profile.get("quantiles")
    return quantiles and quantiles[len(quantiles) // 2]


def most_explained_rows(contract: Contract, max_rows: int) -> int:
    """Return how many rows can be explained in one request, so that no call scores more than `max_rows`; at least 1."""
    return max(1, max_rows // (1 + len(contract.columns)))


def swapped(columns: Columns, reference: Columns) -> Columns:
    """Return the rows, followed by one copy of them for each column of `reference`, with this column at its reference.

    Args:
        columns: normalized, shape `(rows,)`.
        reference: as `reference_columns` returns it.

    Returns:
        Columns of shape `(rows * (1 + len(reference)),)`, to be scored in one call.
    """
    rows = len(next(iter(columns.values())))
    stacked = {name: np.tile(array, 1 + len(reference)) for name, array in columns.items()}
    for copy, (name, value) in enumerate(reference.items(), 1):
        stacked[name][copy * rows : (copy + 1) * rows] = value
    return stacked


def contributions(scores: Array, decision: Decision, reference: Columns) -> list[dict[str, float]]:
    """Return, for each row, the contribution of each column by its name.

    Args:
        scores: of `swapped(columns, reference)`, in its order.
        decision: of the same bundle.
        reference: the columns that were swapped.
    """
    copies = 1 + len(reference)
    by_copy = scores.reshape(copies, len(scores) // copies, *scores.shape[1:])
    explained = _explained_scores(by_copy, decision)
    differences = explained[0] - explained[1:]
    return [dict(zip(reference, row, strict=True)) for row in differences.T.tolist()]


def _explained_scores(by_copy: Array, decision: Decision) -> Array:
    """Return the score that is explained, shape `(copies, rows)`, from all scores, `(copies, rows[, classes])`."""
    if decision.task == "regression":
        return by_copy
    if decision.task == "binary":
        return np.asarray(by_copy[:, :, 1])
    predicted = np.argmax(by_copy[0], axis=1)
    return np.asarray(by_copy[:, np.arange(len(predicted)), predicted])
