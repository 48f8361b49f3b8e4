"""The model card's facts about quality: every metric beside the baseline's, and the main metric by slice."""

from typing import Any

from markupsafe import Markup

from cd4ml.evaluation.formatting import format_number
from cd4ml.evaluation.metric_set import MetricSet
from cd4ml.evaluation.metric_table import Metric

_MAX_SLICES = 15


def metric_facts(metrics: MetricSet, results: dict[str, Any]) -> list[dict[str, Any]]:
    """Return every metric with its value, its interval and the baseline's value.

    Args:
        metrics: those in the results.
        results: the content of reports/metrics.json.
    """
    return [
        {
            "name": metric.name,
            "label": metric.label,
            "better": metric.better,
            "description": metric.description,
            "of_target": metric.of_target,
            "is_of_team": metric.function is not None,
            "value": results[metric.name],
            "interval": results["intervals"][metric.name],
            "baseline": results["baseline"][metric.name],
        }
        for metric in metrics.all
    ]


def summary_sentence(results: dict[str, Any], metric: Metric) -> str:
    """Return one sentence on whether the model is significantly better than the baseline, with the main metric."""
    value, baseline = results[metric.name], results["baseline"][metric.name]
    interval = results["intervals"][metric.name]
    if value is None or baseline is None:
        return f"**{metric.label} cannot be computed on this test set**: it has too few rows of one outcome."
    if interval is None:
        return (
            "**It cannot be decided whether the model is better than the baseline**: the test set has too few rows of "
            f"one outcome. {metric.label} is {format_number(value)}; the baseline has {format_number(baseline)}."
        )
    nearest_end = interval["low"] if metric.sign == 1 else interval["high"]
    values = f"{metric.label} is {format_number(value)}; the baseline has {format_number(baseline)}"
    if metric.sign * (value - baseline) <= 0:
        return f"**Not better than the baseline.** {values}."
    if metric.sign * (nearest_end - baseline) <= 0:
        return f"**Not significantly better than the baseline.** {values}, which is inside the 95 % interval."
    return f"**Significantly better than the baseline.** {values}."


def slice_facts(slices: dict[str, Any], metric: Metric) -> dict[str, Any]:
    """Return the worst slices, the worst first, and how many others there are.

    Args:
        slices: the content of reports/slices.json.
        metric: the main one.
    """
    defined = [part for part in slices["slices"] if part[metric.name] is not None]
    worst = sorted(defined, key=lambda part: metric.sign * part[metric.name])[:_MAX_SLICES]
    return {
        "metric": metric.label,
        "overall": slices["overall"],
        "worst": [
            {**part, "metric": part[metric.name], "mark": _mark(part, metric, slices["overall"])} for part in worst
        ],
        "others": len(slices["slices"]) - len(worst),
        "left_out": slices["left_out"],
    }


def _mark(part: dict[str, Any], metric: Metric, overall: float) -> Markup:
    """Return whether a slice is better or worse than the whole test set; empty if that is inside its interval."""
    interval = part["interval"]
    if not interval or interval["low"] <= overall <= interval["high"]:
        return Markup()
    better = (interval["low"] > overall) == (metric.sign == 1)
    return Markup("▲\N{NO-BREAK SPACE}better") if better else Markup("▼\N{NO-BREAK SPACE}worse")
