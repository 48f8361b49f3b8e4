"""The baseline: predictions that use only the distribution of the target in the training set."""

from typing import Any

import numpy as np

from cd4ml.evaluation.metric_set import MetricSet
from cd4ml.evaluation.metric_table import Metric
from cd4ml.evaluation.predictions import Predictions

_BEST_WITH_MEDIAN = {"mae", "error_p50", "error_p90", "error_p99"}


def baseline_by_metric(predictions: Predictions, target: dict[str, Any], metrics: MetricSet) -> dict[str, Predictions]:
    """Return, for each metric by name, the same rows with the baseline's scores.

    For classes these are the shares in the training set. For numbers it is the median for metrics of absolute errors
    and the mean for those of squared errors, the best constant for each; for a metric of the team's own, whichever of
    both is better on these rows.

    Args:
        predictions: the rows, with any model's scores.
        target: the target's distribution in the training set, as reference.json has it.
        metrics: the metrics.
    """
    if predictions.task != "regression":
        return dict.fromkeys((metric.name for metric in metrics.all), _shares(predictions, target))
    median = predictions.with_scores(np.full(predictions.rows, target["median"]))
    mean = predictions.with_scores(np.full(predictions.rows, target["mean"]))
    return {metric.name: _better(metric, median, mean) for metric in metrics.all}


def baseline_metrics(predictions: Predictions, target: dict[str, Any], metrics: MetricSet) -> dict[str, float]:
    """Return the baseline's metrics on the same rows; the arguments are those of `baseline_by_metric`."""
    by_metric = baseline_by_metric(predictions, target, metrics)
    values = {id(baseline): metrics.compute(baseline) for baseline in by_metric.values()}
    return {name: values[id(baseline)][name] for name, baseline in by_metric.items()}


def baseline_value(target: dict[str, Any]) -> float:
    """Return what the baseline predicts for every row: the median, or the positive class's share; else 0.

    Args:
        target: the target's distribution in the training set.
    """
    return float(target.get("median", target.get("shares", {}).get("1", 0.0)))


def _shares(predictions: Predictions, target: dict[str, Any]) -> Predictions:
    if predictions.task == "binary":
        return predictions.with_scores(np.full(predictions.rows, target["shares"].get("1", 0.0)), threshold=0.5)
    shares = np.array([target["shares"].get(label, 0.0) for label in predictions.classes])
    return predictions.with_scores(np.tile(shares, (predictions.rows, 1)))


def _better(metric: Metric, median: Predictions, mean: Predictions) -> Predictions:
    if metric.function is None:
        return median if metric.name in _BEST_WITH_MEDIAN else mean
    weights = np.ones(median.rows)
    with_median, with_mean = (metric.function(each.target, each.scores, weights) for each in (median, mean))
    return mean if metric.sign * (with_mean - with_median) > 0 else median
