"""Draw the candidates of a search from `tune.space` in params.yaml, after checking that `build_model` accepts it."""

import math
from typing import Any, TypeAlias

import numpy as np

from cd4ml.contract.columns import Columns
from cd4ml.contract.contract import Task
from cd4ml.errors import ParamsError
from cd4ml.settings import paths
from cd4ml.settings.params import Params, SearchDimension
from cd4ml.training import build

ModelValues: TypeAlias = dict[str, Any]  # of keys of `model:`

_DIGITS = 3  # of a number that is drawn: more would not improve the model, and be hard to read in params.yaml
_TRIES = 20  # draws for each candidate, after which the space is taken to have no more


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


def draw_candidates(params: Params) -> list[ModelValues]:
    """Return values for the keys of the space: first the present ones, then different ones drawn at random.

    There are `tune.candidates` in all, or fewer if the space has no more. The same seed draws the same values, whatever
    the present ones are, so that a search that is repeated after its winner was written has no new candidates.
    """
    tune = params.tune
    rng = np.random.default_rng(tune.seed)
    types = build.setting_types()
    candidates: list[ModelValues] = []
    for _ in range(_TRIES * tune.candidates):
        if len(candidates) == tune.candidates - 1:
            break
        drawn = {key: _draw_value(choices, types.get(key), rng) for key, choices in tune.space.items()}
        if drawn not in candidates:
            candidates.append(drawn)
    present = {key: params.model[key] for key in tune.space}
    return [present, *(candidate for candidate in candidates if candidate != present)]


def _draw_value(choices: SearchDimension, type_: Any, rng: np.random.Generator) -> Any:
    if choices.choices is not None:
        return choices.choices[int(rng.integers(len(choices.choices)))]
    low, high = choices.low, choices.high
    if low is None or high is None:
        raise AssertionError("a range has both limits")
    if isinstance(low, int) and isinstance(high, int) and type_ is not float:
        value = math.floor(_draw_number(low, high + 1, choices.log, rng))  # so that `high` is as likely as the others
        return min(value, high)
    rounded = float(f"{_draw_number(low, high, choices.log, rng):.{_DIGITS}g}")
    return min(max(rounded, float(low)), float(high))


def _draw_number(low: float, high: float, log: bool, rng: np.random.Generator) -> float:
    if log:
        return math.exp(rng.uniform(math.log(low), math.log(high)))
    return float(rng.uniform(low, high))
