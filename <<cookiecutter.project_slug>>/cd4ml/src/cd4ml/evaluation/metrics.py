"""What is measured, which way is better, and the measuring, for many weightings of the same rows at once.

Weights have the shape `(rounds, rows)` and metrics `(rounds,)`: a row of ones gives the plain metrics, a row of counts
those of a resample. A metric that the rows do not define, such as recall without a positive, is NaN.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from cd4ml.contract.columns import Array
from cd4ml.contract.contract import Task
from cd4ml.evaluation.calibration import Bins
from cd4ml.evaluation.predictions import Predictions
from cd4ml.evaluation.ranking import Ranking, ratio

Scorer: TypeAlias = Callable[[Array], dict[str, Array]]
ERROR_QUANTILES = {"error_p50": 0.5, "error_p90": 0.9, "error_p99": 0.99}
_LEAST = float(np.finfo(np.float64).eps)  # a probability of nought would make one row's loss infinite


@dataclass(frozen=True)
class Metric:
    """One number: its key in metrics.json, its name for people, and which way is better."""

    name: str
    label: str
    better: Literal["higher", "lower", "near 0"]
    of_target: bool = False
    """Whether it has the target's unit."""


_OF_PROBABILITIES = (
    Metric("log_loss", "Log loss", "lower"),
    Metric("brier", "Brier score", "lower"),
    Metric("calibration_error", "Calibration error", "lower"),
)

METRICS: dict[Task, tuple[Metric, ...]] = {
    "binary": (
        Metric("roc_auc", "ROC AUC", "higher"),
        Metric("average_precision", "Average precision", "higher"),
        *_OF_PROBABILITIES,
        Metric("accuracy", "Accuracy", "higher"),
        Metric("balanced_accuracy", "Balanced accuracy", "higher"),
        Metric("precision", "Precision", "higher"),
        Metric("recall", "Recall", "higher"),
    ),
    "multiclass": (
        Metric("accuracy", "Accuracy", "higher"),
        Metric("balanced_accuracy", "Balanced accuracy", "higher"),
        Metric("roc_auc", "ROC AUC, mean over classes", "higher"),
        Metric("average_precision", "Average precision, mean over classes", "higher"),
        *_OF_PROBABILITIES,
    ),
    "regression": (
        Metric("mae", "Mean absolute error", "lower", of_target=True),
        Metric("rmse", "Root mean squared error", "lower", of_target=True),
        Metric("r2", "R²", "higher"),
        Metric("error_p50", "Median error", "lower", of_target=True),
        Metric("error_p90", "90 % error", "lower", of_target=True),
        Metric("error_p99", "99 % error", "lower", of_target=True),
        Metric("bias", "Bias", "near 0", of_target=True),
    ),
}


def main_metric(task: Task) -> Metric:
    """Return the metric that a model of this kind is judged by first."""
    return METRICS[task][0]


def scorer(judged: Predictions) -> Scorer:
    """Return a function from weights, `(rounds, rows)`, to every metric of these rows, `(rounds,)` each."""
    return {"binary": _binary, "multiclass": _multiclass, "regression": _regression}[judged.task](judged)


def main_scorer(judged: Predictions) -> Scorer:
    """Return a function from weights to the main metric alone, which takes a fraction of the time."""
    name = main_metric(judged.task).name
    if judged.task == "binary":
        ranking = Ranking(judged.target, judged.scores)
        return lambda weights: {name: ranking.metrics(weights)[0]}
    each = np.abs(judged.said - judged.target) if judged.task == "regression" else judged.said == judged.target
    column = each.astype(np.float64)
    return lambda weights: {name: ratio(weights @ column, weights.sum(axis=1))}


def measured(judged: Predictions) -> dict[str, float]:
    """Return every metric of these rows, each counted once; NaN where the rows do not define it."""
    return {name: float(values[0]) for name, values in scorer(judged)(np.ones((1, judged.rows))).items()}


def _binary(judged: Predictions) -> Scorer:
    target, probability, said = judged.target, judged.scores, judged.said
    ranking, bins = Ranking(target, probability), Bins(probability, target)
    of_outcome = np.where(target == 1, probability, 1 - probability)
    loss = -np.log(np.clip(of_outcome, _LEAST, 1 - _LEAST))
    columns = np.column_stack([loss, (probability - target) ** 2, said == target, target, said, said * target])

    def metrics(weights: Array) -> dict[str, Array]:
        rows = weights.sum(axis=1)
        loss, square, right, positives, yeses, hits = (weights @ columns).T
        roc_auc, average_precision = ranking.metrics(weights)
        true_negatives = rows - positives - yeses + hits
        recall = ratio(hits, positives)
        return {
            "roc_auc": roc_auc,
            "average_precision": average_precision,
            "log_loss": ratio(loss, rows),
            "brier": ratio(square, rows),
            "calibration_error": bins.error(weights),
            "accuracy": ratio(right, rows),
            "balanced_accuracy": (recall + ratio(true_negatives, rows - positives)) / 2,
            "precision": ratio(hits, yeses),
            "recall": recall,
        }

    return metrics


def _multiclass(judged: Predictions) -> Scorer:
    target, said, rows = judged.target, judged.said, np.arange(judged.rows)
    one_hot = (target[:, None] == np.arange(len(judged.classes))).astype(np.float64)
    rankings = [Ranking(one_hot[:, k], judged.scores[:, k]) for k in range(len(judged.classes))]
    right = (said == target).astype(np.float64)
    bins = Bins(judged.scores[rows, said], right)
    loss = -np.log(np.clip(judged.scores[rows, target], _LEAST, 1 - _LEAST))
    columns = np.column_stack([loss, ((judged.scores - one_hot) ** 2).sum(axis=1), right])

    def metrics(weights: Array) -> dict[str, Array]:
        rows = weights.sum(axis=1)
        loss, square, hits = (weights @ columns).T
        recalls = ratio(weights @ (one_hot * right[:, None]), weights @ one_hot)
        ranked = [ranking.metrics(weights) for ranking in rankings]
        return {
            "accuracy": ratio(hits, rows),
            "balanced_accuracy": _mean_of_present(recalls),
            "roc_auc": _mean_of_present(np.column_stack([area for area, _ in ranked])),
            "average_precision": _mean_of_present(np.column_stack([precision for _, precision in ranked])),
            "log_loss": ratio(loss, rows),
            "brier": ratio(square, rows),
            "calibration_error": bins.error(weights),
        }

    return metrics


def _mean_of_present(by_class: Array) -> Array:
    """Return the mean over the classes that occur, shape `(rounds,)`; a class without a row says nothing."""
    present = ~np.isnan(by_class)
    return ratio(np.where(present, by_class, 0.0).sum(axis=1), present.sum(axis=1))


def _regression(judged: Predictions) -> Scorer:
    error = judged.scores - judged.target
    size = np.abs(error)
    order = np.argsort(size, kind="stable")
    centred = judged.target - np.median(judged.target)  # keeps the variance exact when the target is far from nought
    columns = np.column_stack([size, error**2, error, centred, centred**2])

    def metrics(weights: Array) -> dict[str, Array]:
        rows = weights.sum(axis=1)
        absolute, square, bias, first, second = (weights @ columns).T
        variation = second - ratio(first**2, rows)
        variation[variation <= 1e-12 * second] = 0.0  # what rounding leaves of a target that is one number
        reached = np.cumsum(weights[:, order], axis=1)
        quantiles = {
            name: size[order][(reached < share * rows[:, None]).sum(axis=1)] for name, share in ERROR_QUANTILES.items()
        }
        return {
            "mae": ratio(absolute, rows),
            "rmse": np.sqrt(ratio(square, rows)),
            "r2": 1 - ratio(square, variation),
            **quantiles,
            "bias": ratio(bias, rows),
        }

    return metrics
