"""How good the answers of a period were, once their outcomes are known: the model's own metrics, and its slices."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from cd4ml.bundle.decision import Decision
from cd4ml.contract.columns import Array, Columns
from cd4ml.contract.contract import Contract
from cd4ml.evaluation.baseline import baseline_by_metric
from cd4ml.evaluation.intervals import bootstrap, percentile_interval
from cd4ml.evaluation.metric_set import MetricSet
from cd4ml.evaluation.predictions import Predictions
from cd4ml.evaluation.results import interval_by_name, round_significant
from cd4ml.monitoring.expected import expected_metrics
from cd4ml.monitoring.outcomes import Labelled, Outcomes
from cd4ml.monitoring.periods import Period

ROUNDS = 500  # of the bootstrap
MOST_ROWS = 20_000
"""The rows that intervals are computed from: of more, a sample, whose interval is narrowed as more rows would do."""
_SEED = 20_240_131


@dataclass(frozen=True)
class Judged:
    """The answers of a period whose outcome is known."""

    period: Period
    predictions: Predictions
    columns: Columns
    versions: Counter[str]

    @classmethod
    def of(cls, period: Period, labelled: Labelled, outcomes: Outcomes, decision: Decision) -> "Judged":
        """Return those of a period, by the time of the answer."""
        days = labelled.times.astype("datetime64[D]")
        inside = (days >= np.datetime64(period.first)) & (days <= np.datetime64(period.last))
        rows = labelled.rows[inside]
        predictions = Predictions.from_scores(outcomes.target[rows], labelled.scores[inside], decision)
        columns = {name: values[rows] for name, values in outcomes.columns.items()}
        return cls(period, predictions, columns, Counter(labelled.versions[inside].tolist()))


def performance(judged: Judged, profile: dict[str, Any], metrics: MetricSet) -> dict[str, Any]:
    """Return every metric by name, the `interval` of the main one, its `baseline` value, and what was `expected`.

    Args:
        judged: the answers.
        profile: reference.json of the bundle.
        metrics: what to compute.
    """
    predictions, main = judged.predictions, metrics.main
    baseline = baseline_by_metric(predictions, profile["target"], metrics)[main.name]
    calibration = profile.get("scores", {}).get("calibration")
    expected = expected_metrics(predictions, calibration) if calibration else None
    return {
        "rows": predictions.rows,
        "versions": dict(judged.versions),
        "metrics": {name: round_significant(value) for name, value in metrics.compute(predictions).items()},
        "interval": interval_by_name(main_interval(predictions, metrics)),
        "baseline": round_significant(metrics.compute_main(baseline)),
        "expected": expected and {name: round_significant(value) for name, value in expected.items()},
    }


def main_interval(predictions: Predictions, metrics: MetricSet) -> tuple[float, float] | None:
    """Return the 95 % interval of the main metric; None if it cannot be told."""
    sample = predictions.subset(_sampled(predictions.rows))
    (replicates,) = bootstrap([metrics.main_scorer(sample)], sample.rows, ROUNDS)
    interval = percentile_interval(replicates[metrics.main.name], sample.deciding_rows)
    if interval is None or sample.rows == predictions.rows:
        return interval
    of_sample, of_all = metrics.compute_main(sample), metrics.compute_main(predictions)
    narrower = np.sqrt(sample.rows / predictions.rows)
    return of_all + narrower * (interval[0] - of_sample), of_all + narrower * (interval[1] - of_sample)


def _sampled(rows: int) -> Array:
    mask = np.zeros(rows, dtype=bool)
    chosen = np.random.Generator(np.random.PCG64(_SEED)).permutation(rows)[:MOST_ROWS]
    mask[chosen] = True
    return mask


def loss_against(value: float, reference: float, metrics: MetricSet) -> float:
    """Return how much worse a value of the main metric is; a share of the reference for a metric in the target's unit.

    It is above 0 if the value is worse: `gate.max_regression` is in the same unit.
    """
    loss = metrics.main.sign * (reference - value)
    return loss / reference if metrics.main.of_target and reference else loss


def slices_beside(
    judged: Judged, contract: Contract, before: list[dict[str, Any]], metrics: MetricSet, fewest: int
) -> list[dict[str, Any]]:
    """Return each slice's main metric beside the one on the test set, those that lost most first.

    Args:
        judged: the answers.
        contract: of the model.
        before: the slices in reports/slices.json of the model.
        metrics: whose main one counts.
        fewest: rows of a slice.
    """
    from cd4ml.evaluation.slices import masks_by_value

    name, found = metrics.main.name, []
    known = {(each["column"], each["value"]): each for each in before if each.get(name) is not None}
    for column, masks in masks_by_value(judged.columns, contract).items():
        for value, mask in masks.items():
            reference = known.get((column, value))
            if reference is None or mask.sum() < fewest:
                continue
            predictions = judged.predictions.subset(mask)
            now = metrics.compute_main(predictions)
            if not np.isfinite(now):
                continue
            found.append(
                {
                    "column": column,
                    "value": value,
                    "rows": predictions.rows,
                    "metric": round_significant(now),
                    "interval": interval_by_name(main_interval(predictions, metrics)),
                    "on_test_set": reference[name],
                    "loss": round_significant(loss_against(now, reference[name], metrics)),
                }
            )
    return sorted(found, key=lambda each: -each["loss"])
