"""The trivial model, which knows the training rows' target and nothing else."""

from typing import Any

import numpy as np

from .judged import Judged
from .metrics import measured

_OF_MEDIAN = ("mae", "error_p50", "error_p90", "error_p99")


def baseline_metrics(judged: Judged, target: dict[str, Any]) -> dict[str, float]:
    """Return the metrics that the trivial model would have on the same rows.

    Args:
        judged: the rows, beside any model's scores.
        target: how the training rows' target was distributed, as `reference.json` has it.

    For classes it answers with their shares, and so with the commonest; for numbers with the median where absolute
    errors count and with the mean where squared errors do, the best constants for either.
    """
    if judged.problem == "regression":
        medians, means = (
            measured(judged.answered_by(np.full(judged.rows, target[name]))) for name in ("median", "mean")
        )
        return means | {name: medians[name] for name in _OF_MEDIAN}
    if judged.problem == "binary":
        return measured(judged.answered_by(np.full(judged.rows, target["shares"].get("1", 0.0)), threshold=0.5))
    shares = np.array([target["shares"].get(label, 0.0) for label in judged.classes])
    return measured(judged.answered_by(np.tile(shares, (judged.rows, 1))))
