"""How good each model was in each month, now that all outcomes are known: the live one beside what could have been.

- `live`: the model that answered, scored by its answers in the prediction log.
- `frozen`: the first model, never replaced.
- `always`: the newest model that was trained before the month, whether the gate passed it or not.
- `best`: of all models trained before the month, the one whose main metric is the best in it. Nobody could know it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.columns import Array, evenly_spaced
from cd4ml.evaluation.intervals import bootstrap
from cd4ml.evaluation.metric_set import MetricSet
from cd4ml.evaluation.metric_table import Metric
from cd4ml.evaluation.predictions import Predictions
from cd4ml.evaluation.results import round_significant
from cd4ml.monitoring.outcomes import LabelledAnswers, Outcomes
from cd4ml.monitoring.performance import Judged
from cd4ml.monitoring.periods import Period
from cd4ml.prediction_log.read import StoredLog
from cd4ml.replay.months import name_of

POLICIES = ("live", "frozen", "always", "best")
_ROUNDS = 200  # of the bootstrap
_MONTHS_ROWS = 20_000  # from which intervals are computed; of more, an even sample


@dataclass(frozen=True)
class MonthScores:
    """The metrics of a month, by policy and name, and their resamples: the same rows for all policies."""

    month: str
    rows: int
    best: str
    """The version of the best model."""
    values: dict[str, dict[str, float]]
    replicates: dict[str, dict[str, Array]]


def score_month(
    month: Period, log: StoredLog, outcomes: Outcomes, trained: Sequence[Path], metrics: MetricSet
) -> MonthScores | None:
    """Return the metrics of a month; None if no outcome of its answers is known.

    Args:
        month: which one.
        log: the prediction log.
        outcomes: of all rows.
        trained: the bundles that were trained before the month, the oldest first.
        metrics: what to compute.
    """
    bundles = [Bundle.load(folder) for folder in trained]
    answers = LabelledAnswers(outcomes, bundles[0].decision)
    for day in month.days():
        for records in log.flat_tables(day):
            answers.add(records)
    labelled = answers.labelled()
    if not len(labelled.rows):
        return None
    versions = {bundle.version: bundle for bundle in bundles}
    live = versions[str(labelled.versions[0])]
    judged = Judged.of(month, labelled, outcomes, live.decision)
    others = [_predictions_of(bundle, judged) for bundle in bundles]
    mains = [metrics.main.sign * metrics.compute_main(each) for each in others]
    best = int(np.nanargmax(mains)) if np.isfinite(mains).any() else 0
    of_policy = dict(zip(POLICIES, (judged.predictions, others[0], others[-1], others[best]), strict=True))
    mask = np.zeros(judged.predictions.rows, dtype=bool)
    mask[evenly_spaced(len(mask), _MONTHS_ROWS)] = True
    scorers = [metrics.scorer(each.subset(mask)) for each in of_policy.values()]
    replicates = bootstrap(scorers, int(mask.sum()), _ROUNDS)
    return MonthScores(
        name_of(month),
        judged.predictions.rows,
        bundles[best].version,
        {policy: metrics.compute(each) for policy, each in of_policy.items()},
        dict(zip(POLICIES, replicates, strict=True)),
    )


def _predictions_of(bundle: Bundle, judged: Judged) -> Predictions:
    return Predictions.from_scores(judged.predictions.target, bundle.scores(judged.columns), bundle.decision)


def mean_of(months: Sequence[MonthScores], policy: str, metric: str) -> float:
    """Return the mean of a metric over the months."""
    return float(np.nanmean([month.values[policy][metric] for month in months]))


def gain(months: Sequence[MonthScores], other: str, metric: Metric) -> dict[str, Any]:
    """Return how much better the live model was than another policy, in the mean over the months, and its interval.

    The interval holds the months as they are: it is that of the paired bootstrap of each month's rows.
    """

    def differences(of: Mapping[str, Mapping[str, Any]]) -> Any:
        return metric.sign * (of["live"][metric.name] - of[other][metric.name])

    value = float(np.nanmean([differences(month.values) for month in months]))
    resampled = np.nanmean([differences(month.replicates) for month in months], axis=0)
    low, high = np.nanquantile(resampled, [0.025, 0.975])
    found = {"gain": value, "low": float(low), "high": float(high)}
    return {name: round_significant(number) for name, number in found.items()}
