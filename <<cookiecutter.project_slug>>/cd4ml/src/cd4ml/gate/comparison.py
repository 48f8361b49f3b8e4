"""Compare the challenger with the champion and the baseline: the scores of all three on the same rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.columns import Array, Columns
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import columns_of_table, target_of_table
from cd4ml.errors import describe
from cd4ml.evaluation.baseline import baseline_by_metric
from cd4ml.evaluation.intervals import bootstrap, percentile_interval
from cd4ml.evaluation.metric_set import MetricSet
from cd4ml.evaluation.metric_table import Metric
from cd4ml.evaluation.predictions import Predictions
from cd4ml.evaluation.slices import masks_by_value
from cd4ml.gate.champion import UnknownChampionError
from cd4ml.settings.params import EvaluateParams


@dataclass(frozen=True)
class Difference:
    """A metric of the challenger and of another model on the same rows, and how much better the challenger is."""

    metric: Metric
    challenger: float
    other: float
    gain: float
    """Above 0 if the challenger is better. A share of `other` for a metric in the target's unit."""
    low: float
    high: float
    """The 95 % interval of `gain`, from the paired bootstrap: every resample has the same rows for both models."""
    error: float
    """The standard error of `gain`, from the same resamples."""
    count: int
    """Of the rows that decide: see `Predictions.deciding_rows`."""


@dataclass(frozen=True)
class Slice:
    """The rows that have one value of one column."""

    name: str
    mask: Array
    """Which rows they are, shape `(rows,)`."""


@dataclass(frozen=True)
class Comparison:
    """What the rules are applied to."""

    challenger: Predictions
    metrics: MetricSet
    baselines: dict[str, Predictions]
    """The baseline for each metric, by name."""
    champion: Predictions | None
    """None if there is no champion, or none that can be scored."""
    slices: list[Slice]
    rounds: int
    """Of the bootstrap."""

    @property
    def metric(self) -> Metric:
        """The main metric."""
        return self.metrics.main

    @property
    def baseline(self) -> Predictions:
        """The baseline for the main metric."""
        return self.baselines[self.metric.name]

    def main_difference(self, other: Predictions, mask: Array | None = None) -> Difference | None:
        """Return the main metric of the challenger and of another model; None if it cannot be decided on these rows.

        Args:
            other: the other model's predictions.
            mask: which rows to use, shape `(rows,)`; all by default.
        """
        pair = [model if mask is None else model.subset(mask) for model in (self.challenger, other)]
        scorers = [self.metrics.main_scorer(model) for model in pair]
        replicates = bootstrap(scorers, pair[0].rows, self.rounds)
        weights = np.ones((1, pair[0].rows))
        challenger, other_value = (float(scorer(weights)[self.metric.name][0]) for scorer in scorers)
        return _difference(self.metric, challenger, other_value, replicates, pair[0].deciding_rows)

    def all_differences(self) -> list[Difference]:
        """Return every metric of which higher or lower is better, as far as the rows define it.

        Beside the champion's, or if there is none, beside the baseline's as the model card has them.
        """
        others = {id(other): other for other in self.baselines.values()}
        if self.champion is not None:
            others = {id(self.champion): self.champion}
        by_other = {key: self._differences(other) for key, other in others.items()}
        differences = []
        for name in self.metrics.directed:
            key = id(self.champion or self.baselines[name])
            differences += [difference for difference in by_other[key] if difference.metric.name == name]
        return differences

    def _differences(self, other: Predictions) -> list[Difference]:
        scorers = [self.metrics.scorer(self.challenger), self.metrics.scorer(other)]
        replicates = bootstrap(scorers, self.challenger.rows, self.rounds)
        challenger, others = self.metrics.compute(self.challenger), self.metrics.compute(other)
        differences = [
            _difference(metric, challenger[name], others[name], replicates, self.challenger.deciding_rows)
            for name, metric in self.metrics.directed.items()
        ]
        return [difference for difference in differences if difference is not None]


def _difference(
    metric: Metric, challenger: float, other: float, replicates: Sequence[dict[str, Array]], count: int
) -> Difference | None:
    unit = abs(other) if metric.of_target and other else 1.0
    gains = metric.sign * (replicates[0][metric.name] - replicates[1][metric.name]) / unit
    interval = percentile_interval(gains, count)
    if interval is None or np.isnan(challenger) or np.isnan(other):
        return None
    gain = metric.sign * (challenger - other) / unit
    return Difference(metric, challenger, other, gain, *interval, float(np.nanstd(gains)), count)


def compare(
    table: pd.DataFrame,
    challenger: Bundle,
    champion: Predictions | None,
    columns: Columns,
    params: EvaluateParams,
    metrics: MetricSet,
) -> Comparison:
    """Return the comparison on the test set.

    Args:
        table: the test set, as data/holdout.parquet has it.
        challenger: the bundle to judge.
        champion: the champion's predictions for the same rows; see `score_champion`.
        columns: the same rows, normalized by the challenger's contract: the slices are made from them.
        params: the number of resamples, and which slices are large enough.
        metrics: what to compare.
    """
    target = target_of_table(table, challenger.contract)
    predictions = Predictions.from_scores(target, challenger.scores(columns), challenger.decision)
    baselines = baseline_by_metric(predictions, challenger.training_profile()["target"], metrics)
    slices = find_slices(columns, challenger.contract, params)
    return Comparison(predictions, metrics, baselines, champion, slices, params.bootstrap_rounds)


def score_champion(table: pd.DataFrame, champion: Bundle, contract: Contract) -> Predictions:
    """Return the champion's predictions for the test set, made with its own contract and features.

    Args:
        table: the challenger's test set.
        champion: the champion's bundle.
        contract: the challenger's, by which the outcomes are read.

    Raises:
        UnknownChampionError: it predicts another target, or cannot score these rows.
    """
    if champion.contract.task != contract.task or champion.contract.target.name != contract.target.name:
        raise UnknownChampionError(
            f"the champion predicts another target, {champion.contract.target.name} ({champion.contract.task}); "
            "docs/gate.md, Another target, says what to do"
        )
    missing = [name for name in champion.contract.columns if name not in table]
    if missing:
        raise UnknownChampionError(f"the champion needs {', '.join(missing)}, which the test set does not have")
    try:
        scores = champion.scores(columns_of_table(table, champion.contract))
    except Exception as failure:  # a model may raise anything, and ONNX Runtime has its own exceptions
        raise UnknownChampionError(f"the champion cannot score the test set: {describe(failure)[:200]}") from failure
    if not np.isfinite(scores).all():
        wrong = int((~np.isfinite(scores)).reshape(len(scores), -1).any(axis=1).sum())
        raise UnknownChampionError(f"the champion's scores are NaN or infinite in {wrong:,} of {len(scores):,} rows")
    return Predictions.from_scores(target_of_table(table, contract), scores, champion.decision)


def find_slices(columns: Columns, contract: Contract, params: EvaluateParams) -> list[Slice]:
    """Return the slices of the model card: every value of a category or boolean with enough rows."""
    slices = []
    for column, masks in masks_by_value(columns, contract).items():
        if len(masks) <= params.slice_maximum_values:
            large = {value: mask for value, mask in masks.items() if mask.sum() >= params.slice_minimum_rows}
            slices += [Slice(f"{column}={_value_name(value)}", mask) for value, mask in large.items()]
    return slices


def _value_name(value: Any) -> str:
    return {None: "null", True: "true", False: "false"}.get(value, str(value))
