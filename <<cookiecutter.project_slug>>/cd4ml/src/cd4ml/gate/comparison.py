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
from cd4ml.evaluation.baseline import baseline_predictions
from cd4ml.evaluation.intervals import bootstrap, percentile_interval
from cd4ml.evaluation.metrics import METRICS, Metric, compute_metrics, main_metric, make_main_scorer, make_scorer
from cd4ml.evaluation.predictions import Predictions
from cd4ml.evaluation.slices import masks_by_value
from cd4ml.gate.champion import UnknownChampionError
from cd4ml.settings.params import EvaluateParams

_OF_SQUARED_ERRORS = {"rmse", "r2"}  # for which `baseline_metrics` predicts the mean


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
    baseline: Predictions
    champion: Predictions | None
    """None if there is no champion, or none that can be scored."""
    slices: list[Slice]
    rounds: int
    """Of the bootstrap."""
    mean_baseline: Predictions | None = None
    """The baseline for metrics of squared errors, which predicts the mean; None unless the task is regression."""

    @property
    def metric(self) -> Metric:
        """The main metric."""
        return main_metric(self.challenger.task)

    def main_difference(self, other: Predictions, mask: Array | None = None) -> Difference | None:
        """Return the main metric of the challenger and of another model; None if the rows do not define it.

        Args:
            other: the other model's predictions.
            mask: which rows to use, shape `(rows,)`; all by default.
        """
        pair = [model if mask is None else model.subset(mask) for model in (self.challenger, other)]
        scorers = [make_main_scorer(model) for model in pair]
        replicates = bootstrap(scorers, pair[0].rows, self.rounds)
        weights = np.ones((1, pair[0].rows))
        challenger, other_value = (float(scorer(weights)[self.metric.name][0]) for scorer in scorers)
        return _difference(self.metric, challenger, other_value, replicates)

    def all_differences(self) -> list[Difference]:
        """Return every metric of which higher or lower is better, as far as the rows define it.

        Beside the champion's, or if there is none, beside the baseline's as the model card has them.
        """
        differences = self._differences(self.champion or self.baseline)
        if self.champion is not None or self.mean_baseline is None:
            return differences
        with_mean = {difference.metric.name: difference for difference in self._differences(self.mean_baseline)}
        in_both = _OF_SQUARED_ERRORS & with_mean.keys()
        return [with_mean[each.metric.name] if each.metric.name in in_both else each for each in differences]

    def _differences(self, other: Predictions) -> list[Difference]:
        replicates = bootstrap([make_scorer(self.challenger), make_scorer(other)], self.challenger.rows, self.rounds)
        challenger, others = compute_metrics(self.challenger), compute_metrics(other)
        metrics = [metric for metric in METRICS[self.challenger.task] if metric.better != "near 0"]
        differences = [
            _difference(metric, challenger[metric.name], others[metric.name], replicates) for metric in metrics
        ]
        return [difference for difference in differences if difference is not None]


def _difference(
    metric: Metric, challenger: float, other: float, replicates: Sequence[dict[str, Array]]
) -> Difference | None:
    sign = 1 if metric.better == "higher" else -1
    unit = abs(other) if metric.of_target and other else 1.0
    gains = sign * (replicates[0][metric.name] - replicates[1][metric.name]) / unit
    interval = percentile_interval(gains)
    if interval is None or np.isnan(challenger) or np.isnan(other):
        return None
    gain = sign * (challenger - other) / unit
    return Difference(metric, challenger, other, gain, *interval, float(np.nanstd(gains)))


def compare(
    table: pd.DataFrame, challenger: Bundle, champion: Predictions | None, columns: Columns, params: EvaluateParams
) -> Comparison:
    """Return the comparison on the test set.

    Args:
        table: the test set, as data/holdout.parquet has it.
        challenger: the bundle to judge.
        champion: the champion's predictions for the same rows; see `score_champion`.
        columns: the same rows, normalized by the challenger's contract: the slices are made from them.
        params: the number of resamples, and which slices are large enough.
    """
    target = target_of_table(table, challenger.contract)
    predictions = Predictions.from_scores(target, challenger.scores(columns), challenger.decision)
    distribution = challenger.training_profile()["target"]
    baseline = baseline_predictions(predictions, distribution)
    mean_baseline = None
    if predictions.task == "regression":
        mean_baseline = predictions.with_scores(np.full(predictions.rows, distribution["mean"]))
    slices = find_slices(columns, challenger.contract, params)
    return Comparison(predictions, baseline, champion, slices, params.bootstrap_rounds, mean_baseline)


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
            f"the champion predicts another target, {champion.contract.target.name} ({champion.contract.task})"
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
