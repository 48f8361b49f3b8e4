"""Choose the metric by which models of a table are compared from now on."""

import numpy as np

from cd4ml.adoption.setting import Setting
from cd4ml.contract.columns import Array
from cd4ml.contract.contract import Task

MOST_TIES = 0.4


def main_metric(target: Array, task: Task) -> Setting:
    """Return the value of `metrics.main` in params.yaml: the usual one, or the squared error where many values tie.

    The mean absolute error is lowest for the median, so where nearly half of the values are the same, such as 0, it
    prefers a model that always predicts that value.
    """
    if task == "regression":
        values, counts = np.unique(target, return_counts=True)
        share = share_of_ties(target)
        if share > MOST_TIES:
            why = f"{share:.0%} of the values are {values[counts.argmax()]:g}, which the absolute error would favour"
            return Setting("rmse", why)
    return Setting("auto")


def share_of_ties(target: Array) -> float:
    """Return the share of the rows that have the most frequent value."""
    return float(np.unique(target, return_counts=True)[1].max() / len(target))
