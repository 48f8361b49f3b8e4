"""The same fresh rows, answered by the challenger, the champion and the trivial baseline."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.columns import Array, Columns
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import columns_of_table, target_of_table
from cd4ml.errors import UserError
from cd4ml.evaluation.baseline import trivial
from cd4ml.evaluation.intervals import interval, resampled
from cd4ml.evaluation.metrics import METRICS, Metric, main_metric, main_scorer, measured, scorer
from cd4ml.evaluation.predictions import Predictions
from cd4ml.evaluation.slices import values_of
from cd4ml.gate.champion import UnknownChampionError
from cd4ml.settings.params import EvaluateParams


@dataclass(frozen=True)
class Difference:
    """A metric of the challenger beside another's on the same rows, and how much better the challenger is."""

    metric: Metric
    challenger: float
    other: float
    gain: float
    """Above 0 where the challenger is better. A share of `other` for a metric in the target's unit."""
    low: float
    high: float
    """The 95 % interval of `gain`, from the paired bootstrap: every resample is of the same rows for both."""
    error: float
    """The standard error of `gain`, from the same resamples."""


@dataclass(frozen=True)
class Slice:
    """The rows that have one value of one column."""

    name: str
    rows: Array
    """A mask, shape `(all rows,)`."""


@dataclass(frozen=True)
class Comparison:
    """All that the rules look at; `champion` is None where there is none, or none that can be scored."""

    challenger: Predictions
    baseline: Predictions
    champion: Predictions | None
    slices: list[Slice]
    rounds: int

    @property
    def metric(self) -> Metric:
        """The metric that decides."""
        return main_metric(self.challenger.task)

    def against(self, other: Predictions, rows: Array | None = None) -> Difference | None:
        """Return the main metric beside another's, on the rows of a mask or all; None where they do not define it."""
        pair = [one if rows is None else one.only(rows) for one in (self.challenger, other)]
        found = resampled([main_scorer(one) for one in pair], pair[0].rows, self.rounds)
        values = [main_scorer(one)(np.ones((1, one.rows))) for one in pair]
        name = self.metric.name
        ours, theirs = (float(value[name][0]) for value in values)
        return _difference(self.metric, ours, theirs, found)

    def all_metrics(self, other: Predictions) -> list[Difference]:
        """Return every metric that has a better side beside another's; left out where the rows do not define it."""
        found = resampled([scorer(self.challenger), scorer(other)], self.challenger.rows, self.rounds)
        ours, theirs = measured(self.challenger), measured(other)
        metrics = [metric for metric in METRICS[self.challenger.task] if metric.better != "near 0"]
        told = [_difference(metric, ours[metric.name], theirs[metric.name], found) for metric in metrics]
        return [one for one in told if one is not None]


def _difference(metric: Metric, ours: float, theirs: float, found: Sequence[dict[str, Array]]) -> Difference | None:
    sign = 1 if metric.better == "higher" else -1
    unit = abs(theirs) if metric.of_target and theirs else 1.0
    gains = sign * (found[0][metric.name] - found[1][metric.name]) / unit
    bounds = interval(gains)
    if bounds is None or np.isnan(ours) or np.isnan(theirs):
        return None
    return Difference(metric, ours, theirs, sign * (ours - theirs) / unit, *bounds, float(np.nanstd(gains)))


def contest(
    table: pd.DataFrame, challenger: Bundle, champion: Predictions | None, columns: Columns, params: EvaluateParams
) -> Comparison:
    """Return the contest on a table of held-out rows.

    Args:
        table: the rows, as data/holdout.parquet has them.
        challenger: who is judged, by its own contract.
        champion: the same rows, answered by the champion; see `answered`.
        columns: the same rows, normalized by the challenger's contract: what slices are made of.
        params: how many resamples, and which slices are large enough.
    """
    target = target_of_table(table, challenger.contract)
    judged = Predictions.of(target, challenger.scores(columns), challenger.decision)
    baseline = trivial(judged, challenger.reference()["target"])
    return Comparison(judged, baseline, champion, slices(columns, challenger.contract, params), params.bootstrap_rounds)


def answered(table: pd.DataFrame, champion: Bundle, contract: Contract) -> Predictions:
    """Return the rows beside the champion's scores, which it makes with its own contract and features.

    Args:
        table: the rows held out for the challenger.
        champion: who answers.
        contract: the challenger's, which says what came true.

    Raises:
        UnknownChampionError: it answers another question, or cannot answer these rows.
    """
    if champion.contract.task != contract.task or champion.contract.target.name != contract.target.name:
        raise UnknownChampionError(
            f"the champion answers another question, {champion.contract.target.name} ({champion.contract.task})"
        )
    absent = [name for name in champion.contract.columns if name not in table]
    if absent:
        raise UnknownChampionError(f"the champion needs {', '.join(absent)}, which the rows no longer have")
    try:
        scores = champion.scores(columns_of_table(table, champion.contract))
    except (UserError, RuntimeError, ValueError, TypeError, KeyError) as failed:
        raise UnknownChampionError(f"the champion cannot answer these rows: {_first_line(failed)}") from failed
    if not np.isfinite(scores).all():
        raise UnknownChampionError(f"the champion answers {_not_finite(scores):,} of {len(scores):,} rows with NaN")
    return Predictions.of(target_of_table(table, contract), scores, champion.decision)


def slices(columns: Columns, contract: Contract, params: EvaluateParams) -> list[Slice]:
    """Return the slices that the model card judges too: every value of a category or boolean with enough rows."""
    found = []
    for column, values in values_of(columns, contract).items():
        if len(values) <= params.slice_maximum_values:
            large = {value: rows for value, rows in values.items() if rows.sum() >= params.slice_minimum_rows}
            found += [Slice(f"{column}={_shown(value)}", rows) for value, rows in large.items()]
    return found


def _shown(value: Any) -> str:
    return {None: "null", True: "true", False: "false"}.get(value, str(value))


def _not_finite(scores: Array) -> int:
    return int((~np.isfinite(scores)).reshape(len(scores), -1).any(axis=1).sum())


def _first_line(failure: Exception) -> str:
    return (str(failure).splitlines() or [type(failure).__name__])[0][:150]
