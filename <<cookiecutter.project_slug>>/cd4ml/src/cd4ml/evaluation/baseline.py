"""The trivial model, which knows the training rows' target and nothing else."""

from typing import Any

import numpy as np

from cd4ml.evaluation.metrics import measured
from cd4ml.evaluation.predictions import Predictions

_OF_MEDIAN = ("mae", "error_p50", "error_p90", "error_p99")


def trivial(judged: Predictions, target: dict[str, Any]) -> Predictions:
    """Return the same rows beside the trivial model's answers: the classes' shares, or the median.

    Args:
        judged: the rows, beside any model's scores.
        target: how the training rows' target was distributed, as `reference.json` has it.
    """
    if judged.task == "regression":
        return judged.answered_by(np.full(judged.rows, target["median"]))
    if judged.task == "binary":
        return judged.answered_by(np.full(judged.rows, target["shares"].get("1", 0.0)), threshold=0.5)
    shares = np.array([target["shares"].get(label, 0.0) for label in judged.classes])
    return judged.answered_by(np.tile(shares, (judged.rows, 1)))


def baseline_metrics(judged: Predictions, target: dict[str, Any]) -> dict[str, float]:
    """Return the metrics that the trivial model would have on the same rows; arguments as for `trivial`.

    For classes it answers with their shares, and so with the commonest; for numbers with the median where absolute
    errors count and with the mean where squared errors do, the best constants for either.
    """
    metrics = measured(trivial(judged, target))
    if judged.task == "regression":
        of_mean = measured(judged.answered_by(np.full(judged.rows, target["mean"])))
        return of_mean | {name: metrics[name] for name in _OF_MEDIAN}
    return metrics
