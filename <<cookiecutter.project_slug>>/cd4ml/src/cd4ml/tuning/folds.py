"""Split the training set into folds: by time if the contract names a time column, else at random.

If the contract names a time column, the model is meant to predict days that come after those it was trained on. So
each fold validates on a window of whole days, as long as the test set, and trains on all days before it; the windows
follow one another at the end of the training set. With folds drawn at random, a candidate would be trained on the days
it is validated on, and candidates that overfit to single days would win. Without a time column the folds are drawn at
random, for a classifier with the same shares of the classes in each; if it names a group, of whole groups.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cd4ml.contract.columns import Array
from cd4ml.contract.contract import Task
from cd4ml.errors import DataError
from cd4ml.settings.params import Params
from cd4ml.training.random_folds import random_folds


@dataclass(frozen=True)
class Fold:
    """Positions of the rows to train on and of the rows to validate on."""

    train: Array
    """Shape `(rows,)`. Every prefix of it is a stratified sample."""
    validation: Array
    name: str

    def sample(self, share: float) -> Array:
        """Return a share of the rows to train on; a larger share contains every smaller one."""
        return self.train[: self.size(share)]

    def size(self, share: float) -> int:
        """Return the number of rows in a share."""
        return max(1, round(share * len(self.train)))


def make_folds(
    target: Array, times: Array | None, task: Task, params: Params, groups: Array | None = None
) -> list[Fold]:
    """Return `tune.folds` folds of the training set.

    Args:
        target: the target, shape `(rows,)`.
        times: the time of each row, shape `(rows,)`; None if the contract names no time column.
        task: the kind of target.
        params: the number of folds, the seed, and the length of the test set.
        groups: what each row belongs to, shape `(rows,)`: a fold validates on all rows of a group or on none.

    Raises:
        DataError: a fold lacks rows or a class, so that it could not rank candidates.
    """
    rng = np.random.default_rng(params.tune.seed)
    splits = _splits_in_time(times, params) if times is not None else _random_splits(target, task, params, groups)
    folds = [Fold(_stratified_order(train, target, task, rng), validation, name) for train, validation, name in splits]
    for fold in folds:
        _check(fold, target, task)
    return folds


def _splits_in_time(times: Array, params: Params) -> Iterator[tuple[Array, Array, str]]:
    days, count = times.astype("datetime64[D]"), params.tune.folds
    newest = days.max()
    length = int((newest - days.min()) / np.timedelta64(1, "D")) + 1
    window = min(params.split.holdout_days, length // (count + 1))
    if window < 1:
        raise DataError(f"the training set covers {length} days, too few for {count} folds in time; lower tune.folds")
    for windows_left in range(count, 0, -1):
        first = newest - np.timedelta64(windows_left * window - 1, "D")
        last = first + np.timedelta64(window - 1, "D")
        validation = np.flatnonzero((days >= first) & (days <= last))
        yield np.flatnonzero(days < first), validation, f"{first} to {last}"


def _random_splits(
    target: Array, task: Task, params: Params, groups: Array | None
) -> Iterator[tuple[Array, Array, str]]:
    try:
        folds = random_folds(task, params.tune.folds, params.tune.seed, grouped=groups is not None)
        splits = list(folds.split(np.zeros(len(target)), target, groups))
    except ValueError as failure:  # more folds than rows
        raise DataError(f"{len(target)} rows are too few for {params.tune.folds} folds; lower tune.folds") from failure
    for number, (train, validation) in enumerate(splits, 1):
        yield train, validation, f"fold {number}"


def _stratified_order(positions: Array, target: Array, task: Task, rng: np.random.Generator) -> Array:
    """Return positions in a random order of which every prefix has the classes in the same shares."""
    shuffled = rng.permutation(positions)
    if task == "regression":
        return shuffled
    rank = np.empty(len(shuffled))  # from 0 to 1 within its class
    for label in np.unique(target[shuffled]):
        members = np.flatnonzero(target[shuffled] == label)
        rank[members] = np.arange(len(members)) / len(members)
    return shuffled[np.argsort(rank, kind="stable")]


def _check(fold: Fold, target: Array, task: Task) -> None:
    if not len(fold.train) or not len(fold.validation):
        raise DataError(f"there are no rows in {fold.name}, or none before it; change tune.folds in params.yaml")
    with_classes = {"binary": (fold.train, fold.validation), "multiclass": (fold.train,), "regression": ()}[task]
    if any(len(np.unique(target[rows])) < 2 for rows in with_classes):
        raise DataError(f"there is only one class in {fold.name}, or before it; lower tune.folds in params.yaml")
