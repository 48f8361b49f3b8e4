"""How good the answers of a period were, once their outcomes are known: the model's own metrics, and its slices."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cd4ml.bundle.decision import Decision
from cd4ml.contract.columns import Array, Columns
from cd4ml.contract.contract import Contract
from cd4ml.evaluation.baseline import baseline_by_metric
from cd4ml.evaluation.intervals import FEWEST, bootstrap, percentile_interval
from cd4ml.evaluation.metric_set import MetricSet
from cd4ml.evaluation.predictions import Predictions
from cd4ml.evaluation.results import interval_by_name, round_significant
from cd4ml.monitoring.expected import expected_metrics
from cd4ml.monitoring.outcomes import Labelled, Outcomes
from cd4ml.monitoring.periods import Period

ROUNDS = 500  # of the bootstrap
MOST_ROWS = 20_000
"""The rows that intervals are computed from: of more, a sample, whose interval is narrowed as more rows would do."""
_MOST_OF_A_SLICE = 5_000
_MANY_DAYS = 20
_SEED = 20_240_131


@dataclass(frozen=True)
class Judged:
    """The answers of a period whose outcome is known."""

    period: Period
    predictions: Predictions
    columns: Columns
    versions: Counter[str]
    days: Array
    """On which each was given, numbered from 0 on, shape `(rows,)`."""

    @classmethod
    def of(cls, period: Period, labelled: Labelled, outcomes: Outcomes, decision: Decision) -> "Judged":
        """Return those of a period, by the time of the answer."""
        inside = period.holds(labelled.times)
        rows = labelled.rows[inside]
        predictions = Predictions.from_scores(outcomes.target[rows], labelled.scores[inside], decision)
        columns = {name: values[rows] for name, values in outcomes.columns.items()}
        _, numbers = np.unique(labelled.times[inside].astype("datetime64[D]"), return_inverse=True)
        return cls(period, predictions, columns, Counter(labelled.versions[inside].tolist()), numbers)


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
        "interval": interval_by_name(main_interval(predictions, metrics, judged.days)),
        "baseline": round_significant(metrics.compute_main(baseline)),
        "expected": expected and {name: round_significant(value) for name, value in expected.items()},
    }


def main_interval(
    predictions: Predictions, metrics: MetricSet, days: Array | None = None, most_rows: int = MOST_ROWS
) -> tuple[float, float] | None:
    """Return the 95 % interval of the main metric; None if it cannot be told. Of more rows, a sample is drawn from.

    Rows of one day are alike, as they share its holiday or its campaign: if days are given, shape `(rows,)`, whole days
    are drawn. Fewer than twenty tell too little of how days differ: rows are drawn as well then, and each end is the
    farther one of both.
    """
    mask = _sampled(predictions.rows, most_rows)
    sample = predictions.subset(mask)
    _, numbers = np.unique(np.zeros(0) if days is None else days[mask], return_inverse=True)
    count = int(numbers.max(initial=-1)) + 1
    by_day = _drawn(sample, metrics, count, numbers) if count >= FEWEST else None
    if count >= _MANY_DAYS and by_day is not None:
        return by_day if sample.deciding_rows >= FEWEST else None
    interval = _drawn(sample, metrics, sample.deciding_rows)
    if interval is None:
        return None
    low, high = interval
    if sample.rows < predictions.rows:
        of_sample, of_all = metrics.compute_main(sample), metrics.compute_main(predictions)
        narrower = np.sqrt(sample.rows / predictions.rows)
        low, high = (of_all + narrower * (end - of_sample) for end in interval)
    return (low, high) if by_day is None else (min(low, by_day[0]), max(high, by_day[1]))


def _drawn(
    sample: Predictions, metrics: MetricSet, deciding: int, groups: Array | None = None
) -> tuple[float, float] | None:
    (replicates,) = bootstrap([metrics.main_scorer(sample)], sample.rows, ROUNDS, groups)
    return percentile_interval(replicates[metrics.main.name], deciding)


def _sampled(rows: int, most: int) -> Array:
    mask = np.zeros(rows, dtype=bool)
    chosen = np.random.Generator(np.random.PCG64(_SEED)).permutation(rows)[:most]
    mask[chosen] = True
    return mask


def loss_against(value: float, reference: float, metrics: MetricSet) -> float:
    """Return how much worse a value of the main metric is; a share of the reference for a metric in the target's unit.

    It is above 0 if the value is worse: `gate.max_regression` is in the same unit.
    """
    loss = metrics.main.sign * (reference - value)
    return loss / reference if metrics.main.of_target and reference else loss


def slices_beside(
    judged: Judged, contract: Contract, before: Mapping[tuple[str, Any], float], metrics: MetricSet, fewest: int
) -> list[dict[str, Any]]:
    """Return each slice's main metric beside the one on the test set, those that lost most first.

    Args:
        judged: the answers.
        contract: of the model.
        before: the main metric of each slice on the test set, as `slices_of` returns it.
        metrics: whose main one counts.
        fewest: rows of a slice.
    """
    from cd4ml.evaluation.slices import masks_by_value

    found = []
    for column, masks in masks_by_value(judged.columns, contract).items():
        for value, mask in masks.items():
            reference = before.get((column, value))
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
                    "interval": interval_by_name(main_interval(predictions, metrics, most_rows=_MOST_OF_A_SLICE)),
                    "on_test_set": reference,
                    "loss": round_significant(loss_against(now, reference, metrics)),
                }
            )
    return sorted(found, key=lambda each: -each["loss"])
