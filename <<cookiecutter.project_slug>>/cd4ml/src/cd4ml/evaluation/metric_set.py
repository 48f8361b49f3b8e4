"""The metrics of a project: those of the library and the team's own, and which is the main one."""

from dataclasses import dataclass

import numpy as np

from cd4ml.contract.columns import Array
from cd4ml.contract.contract import Task
from cd4ml.errors import MetricError, ParamsError, nearest_names
from cd4ml.evaluation.metric_table import METRICS, Metric
from cd4ml.evaluation.metrics import Scorer, make_quick_scorer, make_scorer
from cd4ml.evaluation.predictions import Predictions
from cd4ml.evaluation.team_metrics import read_team_metrics, team_values
from cd4ml.settings import paths
from cd4ml.settings.params import GateParams, Params


@dataclass(frozen=True)
class MetricSet:
    """Every metric of a task: the main one first, then the team's own, then the library's."""

    all: tuple[Metric, ...]

    @property
    def main(self) -> Metric:
        """The metric by which models are compared."""
        return self.all[0]

    @property
    def directed(self) -> dict[str, Metric]:
        """The metrics of which higher or lower is better, by name."""
        return {metric.name: metric for metric in self.all if metric.better != "near 0"}

    def scorer(self, predictions: Predictions) -> Scorer:
        """Return a function from weights, `(rounds, rows)`, to every metric of these rows, `(rounds,)` each."""
        of_library = make_scorer(predictions)

        def score(weights: Array) -> dict[str, Array]:
            values = of_library(weights)
            values |= {each.name: team_values(each, predictions, weights) for each in self.all if each.function}
            return {metric.name: values[metric.name] for metric in self.all}

        return score

    def main_scorer(self, predictions: Predictions) -> Scorer:
        """Return a function from weights to the main metric alone, which takes a fraction of the time."""
        main = self.main
        if main.function is not None:
            return lambda weights: {main.name: team_values(main, predictions, weights)}
        return make_quick_scorer(predictions, main.name)

    def compute(self, predictions: Predictions) -> dict[str, float]:
        """Return every metric of these rows by name; NaN if the rows do not define it."""
        metrics = self.scorer(predictions)(np.ones((1, predictions.rows)))
        return {name: float(values[0]) for name, values in metrics.items()}

    def compute_main(self, predictions: Predictions) -> float:
        """Return the main metric of these rows; NaN if they do not define it."""
        return float(self.main_scorer(predictions)(np.ones((1, predictions.rows)))[self.main.name][0])

    def check_defined(self, values: dict[str, float], rows: int) -> None:
        """Check that the team's own metrics of the whole test set are numbers.

        Raises:
            MetricError: one is NaN or infinite.
        """
        for metric in self.all:
            if metric.function is not None and not np.isfinite(values[metric.name]):
                raise MetricError(
                    f"{metric.place} is NaN or infinite on the test set of {rows:,} rows; return a number there"
                )


def read_metric_set(task: Task, params: Params) -> MetricSet:
    """Return the metrics of a task: the library's, and those in the team's metrics.py.

    Raises:
        MetricError: metrics.py is not valid.
        ParamsError: `metrics.main` is none of them, or has no direction.
    """
    metrics = [*read_team_metrics(), *METRICS[task]]
    name = METRICS[task][0].name if params.metrics.main == "auto" else params.metrics.main
    names = [metric.name for metric in metrics if metric.better != "near 0"]
    if name not in names:
        near = ", ".join(nearest_names(name, names))
        raise ParamsError(
            f'{paths.PARAMS}: metrics.main is "{name}", by which {task} models cannot be compared; write {near} or auto'
        )
    (main,) = (metric for metric in metrics if metric.name == name)
    _check_limits(main, params.gate)
    return MetricSet((main, *(metric for metric in metrics if metric is not main)))


def _check_limits(main: Metric, gate: GateParams) -> None:
    """Check the losses that the gate allows: those of a metric of the library are below 1.

    Raises:
        ParamsError: one is not.
    """
    for key in ("max_regression", "max_slice_regression"):
        limit = getattr(gate, key)
        if main.function is None and limit >= 1:
            raise ParamsError(
                f"{paths.PARAMS}: gate.{key} is {limit:g}; expected a number between 0 and 1 for {main.name}"
            )
