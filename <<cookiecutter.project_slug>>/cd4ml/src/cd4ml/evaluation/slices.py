"""Compute the main metric for each value of each category and boolean, to find where the model is better or worse."""

from typing import Any

import numpy as np

from cd4ml.contract.columns import Array, Columns
from cd4ml.contract.contract import Contract
from cd4ml.evaluation.intervals import bootstrap, percentile_interval
from cd4ml.evaluation.metric_set import MetricSet
from cd4ml.evaluation.predictions import Predictions
from cd4ml.evaluation.results import interval_by_name, round_significant
from cd4ml.settings.params import EvaluateParams


def compute_slices(
    predictions: Predictions, columns: Columns, contract: Contract, params: EvaluateParams, metrics: MetricSet
) -> dict[str, Any]:
    """Return `metric`, its value over all rows as `overall`, and `slices`, in the order of the contract.

    A slice has `column`, `value` (None for a null), `rows`, the metric by its name, its `interval`, and, to show a
    bias, the mean prediction as `predicted` and the mean outcome as `actual`. For several classes these are the mean
    probability of the predicted class, and the share of correct predictions; `confusion` then counts the rows by actual
    and predicted class.

    `left_out` is, by column, the number of values without a slice: those with fewer rows than `slice_minimum_rows`, and
    all values of a column that has more of them than `slice_maximum_values`.
    """
    slices, left_out = [], {}
    for column, masks in masks_by_value(columns, contract).items():
        large = {value: mask for value, mask in masks.items() if mask.sum() >= params.slice_minimum_rows}
        if len(masks) > params.slice_maximum_values:
            large = {}
        for value, mask in large.items():
            result = _slice_result(predictions.subset(mask), params.bootstrap_rounds, metrics)
            slices.append({"column": column, "value": value, **result})
        if len(large) < len(masks):
            left_out[column] = len(masks) - len(large)
    results = {
        "metric": metrics.main.name,
        "overall": round_significant(metrics.compute_main(predictions)),
        "slices": slices,
        "left_out": left_out,
    }
    return results | ({"confusion": confusion_matrix(predictions)} if predictions.task == "multiclass" else {})


def masks_by_value(columns: Columns, contract: Contract) -> dict[str, dict[str | bool | None, Array]]:
    """Return, for each category and boolean, its values and a mask of the rows that have each, shape `(rows,)`."""
    masks_of_column: dict[str, dict[str | bool | None, Array]] = {}
    for name, array in columns.items():
        if contract.columns[name].type == "category":
            masks_of_column[name] = {value or None: array == value for value in sorted(set(array.tolist()))}
        elif contract.columns[name].type == "boolean":
            masks = {False: array == 0, True: array == 1, None: np.isnan(array)}
            masks_of_column[name] = {value: mask for value, mask in masks.items() if mask.any()}
    return masks_of_column


def _slice_result(predictions: Predictions, rounds: int, metrics: MetricSet) -> dict[str, Any]:
    name = metrics.main.name
    (replicates,) = bootstrap([metrics.main_scorer(predictions)], predictions.rows, rounds)
    predicted, actual = predictions.scores, predictions.target
    if predictions.task == "multiclass":
        predicted, actual = predictions.scores.max(axis=1), predictions.predicted == predictions.target
    return {
        "rows": predictions.rows,
        name: round_significant(metrics.compute_main(predictions)),
        "interval": interval_by_name(percentile_interval(replicates[name], predictions.deciding_rows)),
        "predicted": round_significant(float(np.mean(predicted))),
        "actual": round_significant(float(np.mean(actual))),
    }


def confusion_matrix(predictions: Predictions) -> dict[str, dict[str, int]]:
    """Return the number of rows of each actual class (outer) for which each class (inner) was predicted."""
    pairs = predictions.target * len(predictions.classes) + predictions.predicted
    counts = np.bincount(pairs, minlength=len(predictions.classes) ** 2).reshape(len(predictions.classes), -1)
    return {
        actual: dict(zip(predictions.classes, row, strict=True))
        for actual, row in zip(predictions.classes, counts.tolist(), strict=True)
    }
