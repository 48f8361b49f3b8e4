"""Compute the library's metrics of each task for many weightings of the same rows at once.

Weights have the shape `(rounds, rows)` and metrics `(rounds,)`: weights of one give the plain metrics, and the number
of times that each row was drawn gives those of a resample. A metric that the rows do not define, such as recall
without a positive row, is NaN.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from cd4ml.contract.columns import Array
from cd4ml.evaluation.calibration import Bins
from cd4ml.evaluation.predictions import Predictions
from cd4ml.evaluation.ranking import Ranking, ratio

Scorer: TypeAlias = Callable[[Array], dict[str, Array]]
ERROR_QUANTILES = {"error_p50": 0.5, "error_p90": 0.9, "error_p99": 0.99}
_MIN_PROBABILITY = float(np.finfo(np.float64).eps)  # a probability of 0 would make the loss infinite


def make_scorer(predictions: Predictions) -> Scorer:
    """Return a function from weights, `(rounds, rows)`, to the library's metrics of these rows, `(rounds,)` each."""
    makers = {"binary": _binary_scorer, "multiclass": _multiclass_scorer, "regression": _regression_scorer}
    return makers[predictions.task](predictions)


def make_quick_scorer(predictions: Predictions, name: str) -> Scorer:
    """Return a function from weights to one metric alone; for the most usual ones it takes a fraction of the time."""
    if predictions.task == "binary" and name == "roc_auc":
        ranking = Ranking(predictions.target, predictions.scores)
        return lambda weights: {name: ranking.metrics(weights)[0]}
    of_row = None
    if name == "accuracy":
        of_row = np.asarray(predictions.predicted == predictions.target, dtype=np.float64)
    elif name == "mae":
        of_row = np.abs(predictions.scores - predictions.target)
    if of_row is not None:
        return lambda weights: {name: ratio(weights @ of_row, weights.sum(axis=1))}
    scorer = make_scorer(predictions)
    return lambda weights: {name: scorer(weights)[name]}


def compute_metrics(predictions: Predictions) -> dict[str, float]:
    """Return the library's metrics of these rows by name; NaN if the rows do not define one."""
    metrics = make_scorer(predictions)(np.ones((1, predictions.rows)))
    return {name: float(values[0]) for name, values in metrics.items()}


def _binary_scorer(predictions: Predictions) -> Scorer:
    target, probability, predicted = predictions.target, predictions.scores, predictions.predicted
    ranking, bins = Ranking(target, probability), Bins(probability, target)
    of_outcome = np.where(target == 1, probability, 1 - probability)
    loss = -np.log(np.clip(of_outcome, _MIN_PROBABILITY, 1 - _MIN_PROBABILITY))
    columns = np.column_stack(
        [loss, (probability - target) ** 2, predicted == target, target, predicted, predicted * target]
    )

    def score(weights: Array) -> dict[str, Array]:
        rows = weights.sum(axis=1)
        loss, square, correct, positives, predicted_positives, true_positives = (weights @ columns).T
        roc_auc, average_precision = ranking.metrics(weights)
        true_negatives = rows - positives - predicted_positives + true_positives
        recall = ratio(true_positives, positives)
        return {
            "roc_auc": roc_auc,
            "average_precision": average_precision,
            "log_loss": ratio(loss, rows),
            "brier": ratio(square, rows),
            "calibration_error": bins.error(weights),
            "accuracy": ratio(correct, rows),
            "balanced_accuracy": (recall + ratio(true_negatives, rows - positives)) / 2,
            "precision": ratio(true_positives, predicted_positives),
            "recall": recall,
        }

    return score


def _multiclass_scorer(predictions: Predictions) -> Scorer:
    target, predicted, rows = predictions.target, predictions.predicted, np.arange(predictions.rows)
    one_hot = (target[:, None] == np.arange(len(predictions.classes))).astype(np.float64)
    rankings = [Ranking(one_hot[:, k], predictions.scores[:, k]) for k in range(len(predictions.classes))]
    correct = (predicted == target).astype(np.float64)
    bins = Bins(predictions.scores[rows, predicted], correct)
    of_outcome = predictions.scores[rows, target]
    loss = -np.log(np.clip(of_outcome, _MIN_PROBABILITY, 1 - _MIN_PROBABILITY))
    columns = np.column_stack([loss, ((predictions.scores - one_hot) ** 2).sum(axis=1), correct])

    def score(weights: Array) -> dict[str, Array]:
        rows = weights.sum(axis=1)
        loss, square, correct_predictions = (weights @ columns).T
        recalls = ratio(weights @ (one_hot * correct[:, None]), weights @ one_hot)
        ranked = [ranking.metrics(weights) for ranking in rankings]
        return {
            "accuracy": ratio(correct_predictions, rows),
            "balanced_accuracy": _mean_of_present(recalls),
            "roc_auc": _mean_of_present(np.column_stack([area for area, _ in ranked])),
            "average_precision": _mean_of_present(np.column_stack([precision for _, precision in ranked])),
            "log_loss": ratio(loss, rows),
            "brier": ratio(square, rows),
            "calibration_error": bins.error(weights),
        }

    return score


def _mean_of_present(by_class: Array) -> Array:
    """Return the mean over the classes that occur in the rows, shape `(rounds,)`."""
    present = ~np.isnan(by_class)
    return ratio(np.where(present, by_class, 0.0).sum(axis=1), present.sum(axis=1))


def _regression_scorer(predictions: Predictions) -> Scorer:
    error = predictions.scores - predictions.target
    absolute_error = np.abs(error)
    order = np.argsort(absolute_error, kind="stable")
    centred = predictions.target - np.median(predictions.target)  # keeps the variance exact if the target is far from 0
    columns = np.column_stack([absolute_error, error**2, error, centred, centred**2])

    def score(weights: Array) -> dict[str, Array]:
        rows = weights.sum(axis=1)
        absolute, square, bias, first, second = (weights @ columns).T
        variation = second - ratio(first**2, rows)
        variation[variation <= 1e-12 * second] = 0.0  # rounding errors, if the target is constant
        cumulative = np.cumsum(weights[:, order], axis=1)
        quantiles = {
            name: absolute_error[order][(cumulative < share * rows[:, None]).sum(axis=1)]
            for name, share in ERROR_QUANTILES.items()
        }
        return {
            "mae": ratio(absolute, rows),
            "rmse": np.sqrt(ratio(square, rows)),
            "r2": 1 - ratio(square, variation),
            **quantiles,
            "bias": ratio(bias, rows),
        }

    return score
