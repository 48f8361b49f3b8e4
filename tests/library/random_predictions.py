"""Random predictions for the tests of metrics."""

import numpy as np
from cd4ml.evaluation.predictions import Predictions

CLASSES = ["low", "middle", "high"]


def random_predictions(task: str, seed: int = 0, rows: int = 300, digits: int = 6) -> Predictions:
    """Return rows whose scores are correlated with the outcomes; if they have few digits, many scores are equal."""
    rng = np.random.default_rng(seed)
    if task == "binary":
        scores = rng.random(rows).round(digits)
        return Predictions("binary", [False, True], (rng.random(rows) < scores).astype(np.int64), scores, 0.4)
    if task == "regression":
        target = rng.normal(1000, 10, rows)
        return Predictions("regression", [], target, (target + rng.standard_t(3, rows)).round(digits), None)
    scores = rng.dirichlet([1, 1, 1], rows).round(digits)
    scores /= scores.sum(axis=1, keepdims=True)
    target = (scores.cumsum(axis=1) < rng.random((rows, 1))).sum(axis=1).clip(max=2)
    return Predictions("multiclass", CLASSES, target, scores, None)
