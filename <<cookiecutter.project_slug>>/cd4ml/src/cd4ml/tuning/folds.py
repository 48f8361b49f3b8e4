"""On which rows candidates are fitted and judged: the training rows alone, split as the holdout is split from them.

Where the contract names a time, a model is asked about days that come after those it learnt from. So each fold is
judged on a window of whole days as long as the holdout, and fitted on the rows of all days before it; the windows lie
one after the other at the end of the training rows. Rows drawn at random would let a candidate learn from the very
days it is judged on, and favour those that remember days. Without a time the folds are drawn at random, as the
holdout is, with the classes in their shares.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold

from cd4ml.contract.columns import Array
from cd4ml.contract.contract import Task
from cd4ml.errors import DataError
from cd4ml.settings.params import Params


@dataclass(frozen=True)
class Fold:
    """Positions of rows to fit on and of rows to judge on."""

    learn: Array
    """Shape `(rows,)`. Any beginning of it is a fair sample: classes in their shares, each there."""
    judge: Array
    name: str

    def sample(self, share: float) -> Array:
        """Return a share of the rows to fit on; a larger share holds all of a smaller one."""
        return self.learn[: self.size(share)]

    def size(self, share: float) -> int:
        """Return how many rows that is."""
        return max(1, round(share * len(self.learn)))


def make_folds(target: Array, times: Array | None, task: Task, params: Params) -> list[Fold]:
    """Return `tune.folds` folds of the training rows.

    Args:
        target: what is to be predicted, shape `(rows,)`.
        times: when each row was, shape `(rows,)`; None where the contract names no time.
        task: what is to be learnt.
        params: the number of folds, the seed, and how long the holdout is.

    Raises:
        DataError: a fold lacks rows, or a class, and could not tell a good model from a bad one.
    """
    rng = np.random.default_rng(params.tune.seed)
    splits = _at_random(target, task, params) if times is None else _forward(times, params)
    folds = [Fold(_fairly(learn, target, task, rng), judge, name) for learn, judge, name in splits]
    for fold in folds:
        _check(fold, target, task)
    return folds


def _forward(times: Array, params: Params) -> Iterator[tuple[Array, Array, str]]:
    days, wanted = times.astype("datetime64[D]"), params.tune.folds
    last = days.max()
    there = int((last - days.min()) / np.timedelta64(1, "D")) + 1
    length = min(params.split.holdout_days, there // (wanted + 1))
    if length < 1:
        raise DataError(f"the training rows are of {there} days, too few for {wanted} folds in time; lower tune.folds")
    for back in range(wanted, 0, -1):
        first = last - np.timedelta64(back * length - 1, "D")
        until = first + np.timedelta64(length - 1, "D")
        judge = np.flatnonzero((days >= first) & (days <= until))
        yield np.flatnonzero(days < first), judge, f"{first} to {until}"


def _at_random(target: Array, task: Task, params: Params) -> Iterator[tuple[Array, Array, str]]:
    kind = KFold if task == "regression" else StratifiedKFold
    splitter = kind(params.tune.folds, shuffle=True, random_state=params.tune.seed)
    try:
        splits = list(splitter.split(np.zeros(len(target)), target))
    except ValueError as refused:  # more folds than rows
        raise DataError(f"{len(target)} rows are too few for {params.tune.folds} folds; lower tune.folds") from refused
    for number, (learn, judge) in enumerate(splits, 1):
        yield learn, judge, f"fold {number}"


def _fairly(positions: Array, target: Array, task: Task, rng: np.random.Generator) -> Array:
    """Return positions in an order any beginning of which is a fair sample."""
    shuffled = rng.permutation(positions)
    if task == "regression":
        return shuffled
    place = np.empty(len(shuffled))  # from 0 to 1 within its class
    for label in np.unique(target[shuffled]):
        members = np.flatnonzero(target[shuffled] == label)
        place[members] = np.arange(len(members)) / len(members)
    return shuffled[np.argsort(place, kind="stable")]


def _check(fold: Fold, target: Array, task: Task) -> None:
    if not len(fold.learn) or not len(fold.judge):
        raise DataError(f"no row to judge on in {fold.name}, or none before it; change tune.folds in params.yaml")
    varied = {"binary": (fold.learn, fold.judge), "multiclass": (fold.learn,), "regression": ()}[task]
    if any(len(np.unique(target[rows])) < 2 for rows in varied):
        raise DataError(f"one class alone in {fold.name}, or before it; lower tune.folds in params.yaml")
