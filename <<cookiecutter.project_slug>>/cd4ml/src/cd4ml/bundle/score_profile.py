"""Describe the scores of the test set: what a service's predictions are compared with, and how far they can be trusted.

The bundle keeps it in reference.json, since whoever watches the service has neither the test set nor the pipeline.
"""

from typing import Any

import numpy as np

from cd4ml.bundle.decision import Decision
from cd4ml.contract.columns import Array

_QUANTILES = np.linspace(0, 1, 11)
_BINS = 10
_FEWEST = 20  # rows in a bin of the calibration


def score_profile(scores: Array, target: Array, decision: Decision) -> dict[str, Any]:
    """Return the number of rows, `predicted`, and for classes `labels` and `calibration`.

    | key         | what it holds                                                                                   |
    |-------------|-------------------------------------------------------------------------------------------------|
    | rows        | the rows of the test set                                                                        |
    | predicted   | of `leading_scores`: where bins end, at the deciles, and the share of the rows in each bin      |
    | labels      | the share of the rows that get each label                                                       |
    | calibration | for each class, bins of equal size: mean probability, and share of the rows that had this class |

    Args:
        scores: of the test set, as `Bundle.scores` returns them.
        target: of the same rows, as `target_of_table` returns it.
        decision: of the bundle.
    """
    values = leading_scores(scores, decision)
    edges = np.unique(_rounded(np.quantile(values, _QUANTILES, method="inverted_cdf")))
    counts = np.bincount(np.searchsorted(edges, values), minlength=len(edges) + 1)
    profile: dict[str, Any] = {
        "rows": len(values),
        "predicted": {"edges": edges.tolist(), "shares": _rounded(counts / len(values))},
    }
    if decision.task == "regression":
        return profile
    labels = decision.labels(scores).tolist()
    profile["labels"] = {str(name): labels.count(name) / len(labels) for name in decision.classes}
    outcomes = target.astype(bool) if decision.task == "binary" else target
    profile["calibration"] = {
        str(name): _calibration(scores[:, number], outcomes == name) for number, name in enumerate(decision.classes)
    }
    return profile


def leading_scores(scores: Array, decision: Decision) -> Array:
    """Return one number for each row, shape `(rows,)`.

    The probability of the positive class; of the most likely class if there are several; the predicted number.
    """
    if decision.task == "regression":
        return scores
    return scores[:, 1] if decision.task == "binary" else np.asarray(scores.max(axis=1))


def _calibration(probabilities: Array, outcomes: Array) -> dict[str, list[float]]:
    order = np.argsort(probabilities, kind="stable")
    bins = np.array_split(order, max(1, min(_BINS, len(order) // _FEWEST)))
    return {
        "predicted": _rounded([probabilities[rows].mean() for rows in bins]),
        "observed": _rounded([outcomes[rows].mean() for rows in bins]),
    }


def _rounded(values: Any) -> list[float]:
    return [float(f"{value:.6g}") for value in values]
