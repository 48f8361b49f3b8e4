"""The team's own metrics: the functions in metrics.py, checked, and called with the rows that they are to measure.

A resample repeats the rows that were drawn, and all weights stay 1: so its value is right even if a function does not
use its weights.
"""

import ast
import inspect
import math
from collections.abc import Callable
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from cd4ml.contract.columns import Array
from cd4ml.errors import MetricError, locate, nearest_names
from cd4ml.evaluation.metric_table import METRICS, Metric
from cd4ml.evaluation.predictions import Predictions
from cd4ml.settings.project import read_project
from cd4ml.settings.team_module import explain, import_module

DIRECTIONS = "LOWER_IS_BETTER"
_KEYS_OF_REPORTS = {
    "rows", "intervals", "baseline", "threshold", "column", "value", "interval", "predicted", "actual",
}  # fmt: skip
"""Names that metrics.json and slices.json have already, beside those of the metrics."""


def read_team_metrics() -> list[Metric]:
    """Return the metrics in the team's metrics.py, in the order of the file; none if there is no such file.

    Raises:
        MetricError: the file fails when it is imported, or a public function in it is no metric.
    """
    path = read_project().metrics
    if not path.exists():
        return []
    module = import_module(path, MetricError)
    functions = [each for name, each in vars(module).items() if not name.startswith("_") and _is_of(module, each)]
    if not functions:
        raise MetricError(f"{path} has no public function; write one that takes (y, p, weights), or remove the file")
    for function in functions:
        _check(function, path, functions)
    lower = _lower_is_better(module, path, [function.__name__ for function in functions])
    return [
        Metric(
            name=function.__name__,
            label=function.__name__.replace("_", " ").capitalize(),
            better="lower" if function.__name__ in lower else "higher",
            description=_first_line(function),
            function=_guarded(function, path),
            place=_place(function, path),
        )
        for function in functions
    ]


def team_values(metric: Metric, predictions: Predictions, weights: Array) -> Array:
    """Return a metric's value for each weighting of the rows, shape `(rounds,)`.

    Args:
        metric: with a function of the team's.
        predictions: the rows.
        weights: how often each row was drawn, shape `(rounds, rows)`.
    """
    assert metric.function is not None  # noqa: S101 - for mypy: callers pass the team's metrics only
    outcomes, scores = _in_order_of_classes(predictions)
    every_row = np.arange(predictions.rows)
    values = []
    for counts in weights:
        drawn = np.repeat(every_row, counts.astype(np.int64))
        values.append(metric.function(outcomes[drawn], scores[drawn], np.ones(len(drawn))))
    return np.array(values, dtype=np.float64)


def _in_order_of_classes(predictions: Predictions) -> tuple[Array, Array]:
    """Return outcomes and scores; for several classes in alphabetical order, whatever the order of the model's."""
    if predictions.task != "multiclass":
        return predictions.target, predictions.scores
    order = np.argsort(np.array(predictions.classes, dtype=object), kind="stable")
    return np.argsort(order)[predictions.target], predictions.scores[:, order]


def _is_of(module: ModuleType, value: object) -> bool:
    """Return whether a value is a function that was defined in a module, not imported into it."""
    return isinstance(value, FunctionType) and value.__module__ == module.__name__


def _place(function: FunctionType, path: Path) -> str:
    return f"{path}:{function.__code__.co_firstlineno}: {function.__name__}"


def _check(function: FunctionType, path: Path, functions: list[FunctionType]) -> None:
    """Check the name, the arguments and the docstring of a public function.

    Raises:
        MetricError: one of them is not a metric's.
    """
    name, place = function.__name__, _place(function, path)
    library = {metric.name for metrics in METRICS.values() for metric in metrics}
    if name in library:
        raise MetricError(f"{place} has the name of a metric of the library; give it another name")
    others = library | {other.__name__ for other in functions if other is not function}
    derived = {f"{other}_{end}" for other in others for end in ("low", "high")} | {
        f"baseline_{other}" for other in others
    }
    if name in _KEYS_OF_REPORTS | derived:
        raise MetricError(f"{place} has a name that the reports use for something else; give it another name")
    try:
        inspect.signature(function).bind(None, None, None)
    except TypeError:
        raise MetricError(
            f"{place} does not take (y, p, weights); let it, or begin its name with _ if it is not a metric"
        ) from None
    if not _first_line(function):
        raise MetricError(f"{place} has no docstring; its first line is the description in the model card")


def _first_line(function: FunctionType) -> str:
    return (inspect.getdoc(function) or "").strip().partition("\n")[0].strip().rstrip(".")


def _lower_is_better(module: ModuleType, path: Path, names: list[str]) -> list[str]:
    """Return the metrics of which a lower value is better.

    Raises:
        MetricError: what the file says is not a list of its functions' names.
    """
    lower = getattr(module, DIRECTIONS, [])
    place = f"{path}{_line_of_directions(path)}: {DIRECTIONS}"
    if not isinstance(lower, list | tuple | set) or not all(isinstance(name, str) for name in lower):
        raise MetricError(f"{place} is not a list of names; write [{names[0]!r}], for example")
    for name in lower:
        if name not in names:
            raise MetricError(
                f"{place} names {name!r}, which is no function here; write {' or '.join(nearest_names(name, names))}"
            )
    return [*lower]


def _line_of_directions(path: Path) -> str:
    for node in ast.parse(path.read_bytes()).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == DIRECTIONS for target in targets):
            return f":{node.lineno}"
    return ""


def _guarded(function: FunctionType, path: Path) -> Callable[[Array, Array, Array], float]:
    """Return the function, whose errors take one line: that which raised, or that of the function."""

    def call(y: Array, p: Array, weights: Array) -> float:
        try:
            value: Any = function(y, p, weights)
        except Exception as failure:
            located = locate(failure, path.parent) is not None
            message = explain(failure, path) if located else f"{_place(function, path)}: {explain(failure, path)}"
            raise MetricError(f"{message} (on {len(y):,} rows)") from failure
        number = np.asarray(value)
        if number.shape != () or number.dtype.kind not in "fiub":
            shape = f" of shape {number.shape}" if number.shape else ""
            raise MetricError(f"{_place(function, path)} returned {type(value).__name__}{shape}; return one number")
        return float(number) if math.isfinite(number) else math.nan

    return call
