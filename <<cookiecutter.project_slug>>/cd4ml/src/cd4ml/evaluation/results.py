"""Compute the content of reports/metrics.json: the model's metrics, their intervals, and the baseline's metrics."""

import math
from typing import Any

from cd4ml.evaluation.baseline import baseline_metrics
from cd4ml.evaluation.intervals import bootstrap, percentile_interval
from cd4ml.evaluation.metric_set import MetricSet
from cd4ml.evaluation.predictions import Predictions

_DIGITS = 6  # further digits differ between machines


def compute_results(
    predictions: Predictions, target: dict[str, Any], rounds: int, metrics: MetricSet
) -> dict[str, Any]:
    """Return `rows`, every metric by name, and the same names under `intervals` and `baseline`.

    Args:
        predictions: the test set, with the bundle's scores.
        target: the target's distribution in the training set, as reference.json has it.
        rounds: of the bootstrap.
        metrics: what to compute.

    Raises:
        MetricError: a metric of the team's own fails, or is not a number.
    """
    values = metrics.compute(predictions)
    metrics.check_defined(values, predictions.rows)
    (replicates,) = bootstrap([metrics.scorer(predictions)], predictions.rows, rounds)
    baseline = baseline_metrics(predictions, target, metrics)
    return {
        "rows": predictions.rows,
        **{name: round_significant(value) for name, value in values.items()},
        "intervals": {
            name: interval_by_name(percentile_interval(each, predictions.deciding_rows))
            for name, each in replicates.items()
        },
        "baseline": {name: round_significant(value) for name, value in baseline.items()},
    }


def round_significant(value: float) -> float | None:
    """Return a number rounded to six significant digits; None for NaN and infinities, which JSON does not have."""
    return float(f"{value:.{_DIGITS - 1}e}") if math.isfinite(value) else None


def interval_by_name(interval: tuple[float, float] | None) -> dict[str, float | None] | None:
    """Return an interval as `{"low": .., "high": ..}`: with names, so that `dvc metrics diff` shows both ends."""
    return None if interval is None else {"low": round_significant(interval[0]), "high": round_significant(interval[1])}
