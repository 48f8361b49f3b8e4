"""Where the model is better or worse: the main metric for every value of a category or a boolean."""

from typing import Any

import numpy as np

from cd4ml.contract.columns import Array, Columns
from cd4ml.contract.contract import Contract
from cd4ml.evaluation.intervals import interval, resampled
from cd4ml.evaluation.metrics import main_metric, main_scorer
from cd4ml.evaluation.predictions import Predictions
from cd4ml.evaluation.results import bounds, significant
from cd4ml.settings.params import EvaluateParams


def slices(judged: Predictions, columns: Columns, contract: Contract, params: EvaluateParams) -> dict[str, Any]:
    """Return `metric`, its value over all rows as `overall`, and `slices`, in the order of the contract.

    A slice has `column`, `value` (None for a null), `rows`, the metric by its name, its `interval`, and, to show a
    tilt, the means of what was `predicted` and of what came true as `actual`. For several classes these are the
    probability given to the answer, and the share of right answers; `confusion` then counts answers by actual class.

    `left_out` counts, by column, the values that are not judged: those with fewer rows than `slice_minimum_rows`, and
    all of a column that has more of them than `slice_maximum_values`.
    """
    name = main_metric(judged.task).name
    found, left_out = [], {}
    for column, values in values_of(columns, contract).items():
        large = {value: rows for value, rows in values.items() if rows.sum() >= params.slice_minimum_rows}
        if len(values) > params.slice_maximum_values:
            large = {}
        for value, rows in large.items():
            found.append({"column": column, "value": value, **_of_slice(judged.only(rows), params.bootstrap_rounds)})
        if len(large) < len(values):
            left_out[column] = len(values) - len(large)
    told = {"metric": name, "overall": _main(judged), "slices": found, "left_out": left_out}
    return told | ({"confusion": confusion(judged)} if judged.task == "multiclass" else {})


def values_of(columns: Columns, contract: Contract) -> dict[str, dict[str | bool | None, Array]]:
    """Return, for each category and boolean, its values and the rows that have them, as masks of shape `(rows,)`."""
    found: dict[str, dict[str | bool | None, Array]] = {}
    for name, array in columns.items():
        if contract.columns[name].type == "category":
            found[name] = {value or None: array == value for value in sorted(set(array.tolist()))}
        elif contract.columns[name].type == "boolean":
            masks = {False: array == 0, True: array == 1, None: np.isnan(array)}
            found[name] = {value: rows for value, rows in masks.items() if rows.any()}
    return found


def _main(judged: Predictions) -> float | None:
    (value,) = main_scorer(judged)(np.ones((1, judged.rows))).values()
    return significant(float(value[0]))


def _of_slice(judged: Predictions, rounds: int) -> dict[str, Any]:
    name = main_metric(judged.task).name
    (replicates,) = resampled([main_scorer(judged)], judged.rows, rounds)
    predicted, actual = judged.scores, judged.target
    if judged.task == "multiclass":
        predicted, actual = judged.scores.max(axis=1), judged.said == judged.target
    return {
        "rows": judged.rows,
        name: _main(judged),
        "interval": bounds(interval(replicates[name])),
        "predicted": significant(float(np.mean(predicted))),
        "actual": significant(float(np.mean(actual))),
    }


def confusion(judged: Predictions) -> dict[str, dict[str, int]]:
    """Return how many rows of each actual class (outer) were answered with each class (inner)."""
    pairs = judged.target * len(judged.classes) + judged.said
    counts = np.bincount(pairs, minlength=len(judged.classes) ** 2).reshape(len(judged.classes), -1)
    return {
        actual: dict(zip(judged.classes, row, strict=True))
        for actual, row in zip(judged.classes, counts.tolist(), strict=True)
    }
