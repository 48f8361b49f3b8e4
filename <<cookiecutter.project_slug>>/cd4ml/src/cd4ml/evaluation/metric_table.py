"""The library's own metrics of each task: their names, which direction is better, and what they mean."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from cd4ml.contract.columns import Array
from cd4ml.contract.contract import Task


@dataclass(frozen=True)
class Metric:
    """A metric: its key in metrics.json, its name for people, and whether higher or lower is better."""

    name: str
    label: str
    better: Literal["higher", "lower", "near 0"]
    description: str
    """The rest of a sentence that begins with the label, for the model card. Of the team's own: a line."""
    of_target: bool = False
    """Whether it is in the target's unit."""
    function: Callable[[Array, Array, Array], float] | None = None
    """The team's function, from outcomes, scores and weights of the same rows; None for a metric of the library."""
    place: str = ""
    """File, line and name of the team's function, for messages."""

    @property
    def sign(self) -> int:
        """1 if a higher value is better, -1 if a lower one is."""
        return 1 if self.better == "higher" else -1


_ROC_AUC = (
    "is the probability that a row of a class gets a higher score for that class than a row of another class; "
    "0.5 is chance level"
)
_AVERAGE_PRECISION = (
    "is precision averaged over all values of recall; at chance level it is the class's share of the rows"
)
_ACCURACY = Metric(
    "accuracy",
    "Accuracy",
    "higher",
    "is the share of correct predictions; if a class is rare, always predicting the other one gives a high accuracy, "
    "too",
)
_BALANCED_ACCURACY = Metric(
    "balanced_accuracy",
    "Balanced accuracy",
    "higher",
    "is the share of correct predictions in each class, averaged over the classes",
)
_PROBABILITY_METRICS = (
    Metric(
        "log_loss",
        "Log loss",
        "lower",
        "is the mean negative logarithm of the probability of the actual class; confident errors cost most",
    ),
    Metric("brier", "Brier score", "lower", "is the mean squared error of the probabilities"),
    Metric(
        "calibration_error",
        "Calibration error",
        "lower",
        "is the mean distance between the probabilities and the observed shares; chance alone makes it larger than 0, "
        "and resampling adds to it, so that its interval is too high",
    ),
)
_BINARY = (
    Metric("roc_auc", "ROC AUC", "higher", _ROC_AUC),
    Metric("average_precision", "Average precision", "higher", _AVERAGE_PRECISION),
    *_PROBABILITY_METRICS,
    _ACCURACY,
    _BALANCED_ACCURACY,
    Metric("precision", "Precision", "higher", "is the share of the positive predictions that are correct"),
    Metric("recall", "Recall", "higher", "is the share of the positive rows that are predicted as positive"),
)
_MULTICLASS = (
    _ACCURACY,
    _BALANCED_ACCURACY,
    Metric("roc_auc", "ROC AUC, mean over classes", "higher", _ROC_AUC),
    Metric("average_precision", "Average precision, mean over classes", "higher", _AVERAGE_PRECISION),
    *_PROBABILITY_METRICS,
)
_REGRESSION = (
    Metric(
        "mae",
        "Mean absolute error",
        "lower",
        "is the mean absolute difference between prediction and outcome",
        of_target=True,
    ),
    Metric(
        "rmse",
        "Root mean squared error",
        "lower",
        "is the root of the mean squared difference between prediction and outcome; large errors weigh more",
        of_target=True,
    ),
    Metric(
        "r2",
        "R²",
        "higher",
        "is the share of the target's variance that is explained; always predicting the mean gives 0",
    ),
    Metric(
        "error_p50",
        "Median error",
        "lower",
        "is the absolute error that half of the predictions do not exceed",
        of_target=True,
    ),
    Metric(
        "error_p90",
        "90 % error",
        "lower",
        "is the absolute error that 90 % of the predictions do not exceed",
        of_target=True,
    ),
    Metric(
        "error_p99",
        "99 % error",
        "lower",
        "is the absolute error that 99 % of the predictions do not exceed",
        of_target=True,
    ),
    Metric(
        "bias",
        "Bias",
        "near 0",
        "is the mean of prediction minus outcome; if it is above 0, predictions are too high on average",
        of_target=True,
    ),
)

METRICS: dict[Task, tuple[Metric, ...]] = {"binary": _BINARY, "multiclass": _MULTICLASS, "regression": _REGRESSION}
"""By task; the first is the main metric if params.yaml names none."""
