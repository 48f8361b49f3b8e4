"""What the metrics would be if only the inputs had changed: confidence-based performance estimation.

If the probabilities are right, they tell how often the answers are: each row counts as a positive one with its
probability, and as a negative one with the rest. Every metric follows, without a label (Garg et al., *Leveraging
unlabeled data to predict out-of-distribution performance*, 2022, call the simplest case average confidence; NannyML
named the general one CBPE).

It assumes that the world behind the rows is that of the test set: the same inputs have the same chance of each
outcome. Where it does not hold, what was realised differs, and the gap between both is concept drift. It also assumes
probabilities that are calibrated on these inputs; they are corrected by the calibration on the test set.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from cd4ml.contract.columns import Array
from cd4ml.evaluation.metrics import make_scorer
from cd4ml.evaluation.predictions import Predictions


def expected_metrics(predictions: Predictions, calibration: Mapping[str, Any]) -> dict[str, float] | None:
    """Return the library's metrics that the probabilities promise; None for regression, which has none.

    Args:
        predictions: of rows whose outcomes are not looked at.
        calibration: of each class on the test set, as `score_profile` returns it.
    """
    if predictions.task == "regression":
        return None
    chances = corrected(predictions, calibration)
    classes = chances.shape[1]
    every_outcome = replace(
        predictions,
        target=np.repeat(np.arange(classes), predictions.rows),
        scores=np.concatenate([predictions.scores] * classes),
    )
    values = make_scorer(every_outcome)(chances.T.reshape(1, -1))
    return {name: float(value[0]) for name, value in values.items()}


def corrected(predictions: Predictions, calibration: Mapping[str, Any]) -> Array:
    """Return each row's chance of each class, shape `(rows, classes)`: the probabilities, corrected by the test set."""
    if predictions.task == "binary":
        positive = _corrected(predictions.scores, calibration["True"])
        return np.column_stack([1 - positive, positive])
    each = [
        _corrected(predictions.scores[:, number], calibration[str(name)]) if str(name) in calibration else 0.0
        for number, name in enumerate(predictions.classes)
    ]
    chances = np.column_stack([np.broadcast_to(values, predictions.rows) for values in each])
    return np.asarray(chances / np.maximum(chances.sum(axis=1, keepdims=True), np.finfo(float).tiny))


def _corrected(probabilities: Array, bins: Mapping[str, list[float]]) -> Array:
    """Return probabilities, moved to the observed shares of the bins: straight lines between these, flat beyond."""
    return np.asarray(np.interp(probabilities, bins["predicted"], np.maximum.accumulate(bins["observed"])))
