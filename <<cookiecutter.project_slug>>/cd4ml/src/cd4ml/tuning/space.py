"""Which values are tried: drawn from `tune.space` in params.yaml, after holding it against what `build_model` takes."""

import math
from typing import Any, TypeAlias

import numpy as np

from cd4ml.contract.columns import Columns
from cd4ml.contract.contract import Task
from cd4ml.errors import ParamsError
from cd4ml.settings import paths
from cd4ml.settings.params import Params, SearchDimension
from cd4ml.training import build

Settings: TypeAlias = dict[str, Any]

_DIGITS = 3  # of a number that is drawn: more would say nothing, and read badly in params.yaml
_TRIES = 20  # draws for each candidate that is wanted, before the space is taken to hold no more


def check_space(params: Params, task: Task, features: Columns) -> None:
    """Make sure that `build_model` takes every value that may be drawn, and that each key has a present value.

    Raises:
        ParamsError: it does not, with the line of `tune.space` in params.yaml.
    """
    if not params.tune.space:
        raise ParamsError(f"{paths.PARAMS} holds no tune.space, so there is nothing to try; README.md shows one")
    for key, choices in params.tune.space.items():
        for value in choices.choices or [choices.low, choices.high]:
            try:
                build.build_model_with({**params.model, key: value}, task, features, under=("tune", "space"))
            except ParamsError:
                raise
            except Exception:  # noqa: S112 - what cannot be built is a candidate that fails, and is told as such
                continue
    if absent := [key for key in params.tune.space if key not in params.model]:
        raise ParamsError(
            f"{paths.PARAMS}: tune.space.{absent[0]} has no present value; write one under model:, to be compared with"
        )


def draw(params: Params) -> list[Settings]:
    """Return what to try for the keys of the space: first the present values, then different ones drawn at random.

    There are `tune.candidates` in all, or fewer where the space holds no more. The same seed draws the same, whatever
    the present values are, so that a search that is run again after its winner was taken has nothing new to try.
    """
    tune = params.tune
    rng = np.random.default_rng(tune.seed)
    types = build.setting_types()
    found: list[Settings] = []
    for _ in range(_TRIES * tune.candidates):
        if len(found) == tune.candidates - 1:
            break
        drawn = {key: _drawn(choices, types.get(key), rng) for key, choices in tune.space.items()}
        if drawn not in found:
            found.append(drawn)
    present = {key: params.model[key] for key in tune.space}
    return [present, *(drawn for drawn in found if drawn != present)]


def _drawn(choices: SearchDimension, type_: Any, rng: np.random.Generator) -> Any:
    if choices.choices is not None:
        return choices.choices[int(rng.integers(len(choices.choices)))]
    low, high = choices.low, choices.high
    if low is None or high is None:
        raise AssertionError("a range has both limits")
    if isinstance(low, int) and isinstance(high, int) and type_ is not float:
        value = math.floor(_between(low, high + 1, choices.log, rng))  # so that the high one is drawn as any other
        return min(value, high)
    rounded = float(f"{_between(low, high, choices.log, rng):.{_DIGITS}g}")
    return min(max(rounded, float(low)), float(high))


def _between(low: float, high: float, log: bool, rng: np.random.Generator) -> float:
    if log:
        return math.exp(rng.uniform(math.log(low), math.log(high)))
    return float(rng.uniform(low, high))
