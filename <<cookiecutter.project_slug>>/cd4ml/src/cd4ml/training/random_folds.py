"""Divide the rows of a table into folds at random, with the classes in the same shares, or by whole groups."""

from typing import Any

from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from cd4ml.contract.contract import Task


def random_folds(task: Task, count: int, seed: int, grouped: bool) -> Any:
    """Return scikit-learn's splitter for `count` folds; for a classifier each has the classes in the same shares.

    Args:
        task: the kind of target.
        count: the number of folds.
        seed: the same seed gives the same folds.
        grouped: whether a fold has all rows of a group or none; the groups are passed to `split`.
    """
    of_rows, of_groups = (KFold, GroupKFold) if task == "regression" else (StratifiedKFold, StratifiedGroupKFold)
    return (of_groups if grouped else of_rows)(count, shuffle=True, random_state=seed)
