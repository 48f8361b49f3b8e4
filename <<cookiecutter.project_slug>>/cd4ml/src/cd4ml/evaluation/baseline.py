"""The baseline: predictions that use only the distribution of the target in the training set."""

from typing import Any

import numpy as np

from cd4ml.evaluation.metrics import compute_metrics
from cd4ml.evaluation.predictions import Predictions

_BEST_WITH_MEDIAN = ("mae", "error_p50", "error_p90", "error_p99")


def baseline_predictions(predictions: Predictions, target: dict[str, Any]) -> Predictions:
    """Return the same rows with the baseline's scores: each class's share in the training set, or the median.

    Args:
        predictions: the rows, with any model's scores.
        target: the target's distribution in the training set, as reference.json has it.
    """
    if predictions.task == "regression":
        return predictions.with_scores(np.full(predictions.rows, target["median"]))
    if predictions.task == "binary":
        return predictions.with_scores(np.full(predictions.rows, target["shares"].get("1", 0.0)), threshold=0.5)
    shares = np.array([target["shares"].get(label, 0.0) for label in predictions.classes])
    return predictions.with_scores(np.tile(shares, (predictions.rows, 1)))


def baseline_metrics(predictions: Predictions, target: dict[str, Any]) -> dict[str, float]:
    """Return the baseline's metrics on the same rows; the arguments are those of `baseline_predictions`.

    For classes it predicts their shares, and so the most common class. For numbers it predicts the median for metrics
    of absolute errors and the mean for those of squared errors: the best constant for each.
    """
    metrics = compute_metrics(baseline_predictions(predictions, target))
    if predictions.task == "regression":
        with_mean = compute_metrics(predictions.with_scores(np.full(predictions.rows, target["mean"])))
        return with_mean | {name: metrics[name] for name in _BEST_WITH_MEDIAN}
    return metrics
