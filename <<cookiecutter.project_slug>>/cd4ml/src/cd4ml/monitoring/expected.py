"""What the metrics would be if only the inputs had changed: confidence-based performance estimation.

If the probabilities are right, they tell how often the answers are: each row counts as a positive one with its
probability, and as a negative one with the rest. Every metric follows, without a label (Garg et al., *Leveraging
unlabeled data to predict out-of-distribution performance*, 2022, call the simplest case average confidence; NannyML
named the general one CBPE).

It assumes that the world behind the rows is that of the test set: the same inputs have the same chance of each
outcome. Where it does not hold, what was realised differs, and the gap between both is concept drift. It also assumes
probabilities that are calibrated on these inputs; they are corrected by the calibration on the test set.

It is a guess, not a measurement: docs/decisions/monitoring.md of the template has how often it was inside the interval
of what was realised, on weeks with and without drift. So nothing alarms because of it.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.special import expit, logit

from cd4ml.contract.columns import Array
from cd4ml.evaluation.metrics import make_scorer
from cd4ml.evaluation.predictions import Predictions

_LEAST = 1e-6  # of a probability: its log odds are finite
_LEAST_SHARE = 0.002


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
    """Return probabilities whose log odds are moved by as much as those of the observed shares of the bins are apart.

    Between the bins along straight lines, beyond them by as much as at the outer ones: equal probabilities there would
    lose the order of the rows, and with it some of the ROC AUC. Shares that go down are joined first.
    """
    predicted, log_odds = np.array(bins["predicted"]), _log_odds(probabilities)
    observed = isotonic_regression(np.array(bins["observed"])).x
    # a share of 0 or 1, of some hundred rows, tells no more than that
    observed = np.clip(observed, np.minimum(predicted, _LEAST_SHARE), np.maximum(predicted, 1 - _LEAST_SHARE))
    moved = np.interp(log_odds, _log_odds(predicted), _log_odds(observed) - _log_odds(predicted))
    return np.asarray(expit(log_odds + moved))


def _log_odds(probabilities: Array) -> Array:
    return np.asarray(logit(np.clip(probabilities, _LEAST, 1 - _LEAST)))
