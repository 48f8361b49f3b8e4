"""The values that a search may try: `tune.space` of params.yaml, for Optuna, after checking it with `build_model`."""

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

from optuna import Trial

from cd4ml.contract.columns import Columns
from cd4ml.contract.contract import Task
from cd4ml.errors import ParamsError
from cd4ml.settings import paths
from cd4ml.settings.params import Params, SearchDimension
from cd4ml.training import build

ModelValues: TypeAlias = dict[str, Any]  # of keys of `model:`

_DIGITS = 3  # of a number that is drawn: more would not improve the model, and be hard to read in params.yaml


def check_space(params: Params, task: Task, features: Columns) -> None:
    """Check that `build_model` accepts every value that may be drawn, and that each key has a present value.

    Raises:
        ParamsError: it does not, with the line of `tune.space` in params.yaml.
    """
    if not params.tune.space:
        raise ParamsError(f"{paths.PARAMS} has no tune.space, so there are no values to try; README.md shows one")
    for key, choices in params.tune.space.items():
        for value in choices.choices or [choices.low, choices.high]:
            try:
                build.build_model_with({**params.model, key: value}, task, features, under=("tune", "space"))
            except ParamsError:
                raise
            except Exception:  # noqa: S112 - such a candidate fails in the search, and is reported there
                continue
    if absent := [key for key in params.tune.space if key not in params.model]:
        raise ParamsError(
            f"{paths.PARAMS}: tune.space.{absent[0]} has no present value; write one under model:, to be compared with"
        )


def suggest(trial: Trial, space: Mapping[str, SearchDimension]) -> ModelValues:
    """Return values for the keys of the space, which the study's sampler draws."""
    types = build.setting_types()
    return {key: _suggest(trial, key, dimension, types.get(key)) for key, dimension in space.items()}


def as_text(value: object) -> str:
    """Return a candidate's values, or one of them, as text; Python and Optuna take 1 and true for the same."""
    return json.dumps(value, sort_keys=True, default=repr)


def _suggest(trial: Trial, key: str, dimension: SearchDimension, type_: Any) -> Any:
    low, high = dimension.low, dimension.high
    if low is None or high is None:
        values = dimension.choices or []
        labels = [as_text(value) for value in values]
        return values[labels.index(trial.suggest_categorical(key, labels))]
    if isinstance(low, int) and isinstance(high, int) and type_ is not float:
        return trial.suggest_int(key, low, high, log=dimension.log)
    drawn = float(f"{trial.suggest_float(key, low, high, log=dimension.log):.{_DIGITS}g}")
    return min(max(drawn, float(low)), float(high))
