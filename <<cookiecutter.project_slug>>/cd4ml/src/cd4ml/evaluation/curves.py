"""Compute the points of curves: for `dvc plots`, as CSV files with the columns x and y, and for the card's pictures."""

import csv
import io
from dataclasses import dataclass, field
from itertools import chain

import numpy as np

from cd4ml.contract.columns import Array
from cd4ml.evaluation.calibration import Bins
from cd4ml.evaluation.predictions import Predictions
from cd4ml.evaluation.ranking import Ranking, ratio
from cd4ml.evaluation.results import round_significant

_MAX_POINTS = 200
_BINS_OF_NUMBERS = 20


@dataclass(frozen=True)
class Curve:
    """The points of one curve, shape `(points,)` each, and further values at each point by name."""

    x: Array
    y: Array
    more: dict[str, Array] = field(default_factory=dict)

    def to_csv(self) -> str:
        """Return the points below a header line, with six significant digits."""
        columns = {"x": self.x, "y": self.y, **self.more}
        text = io.StringIO()
        points = zip(*([round_significant(float(value)) for value in array] for array in columns.values()), strict=True)
        csv.writer(text, lineterminator="\n").writerows(chain([tuple(columns)], points))
        return text.getvalue()


def compute_curves(predictions: Predictions) -> dict[str, Curve]:
    """Return the curves of the task by name, without those that the rows do not define."""
    if predictions.task == "regression":
        return {
            "actual-by-predicted": actual_by_predicted_curve(predictions),
            "error-quantiles": error_quantile_curve(predictions),
        }
    if predictions.task == "multiclass":
        top = predictions.scores[np.arange(predictions.rows), predictions.predicted]
        return {"calibration": calibration_curve(top, predictions.predicted == predictions.target)}
    curves = {"calibration": calibration_curve(predictions.scores, predictions.target)}
    if predictions.target.any() and not predictions.target.all():
        curves |= {"roc": roc_curve(predictions), "precision-recall": precision_recall_curve(predictions)}
    return curves


def roc_curve(predictions: Predictions) -> Curve:
    """Return the true (y) by the false positive rate (x), from (0, 0) to (1, 1), with the `threshold` of each point."""
    ranking, true, false = _positives_by_step(predictions)
    x = np.append(0.0, false / false[-1])
    y = np.append(0.0, true / true[-1])
    return _thinned(x, y, threshold=np.append(1.0, ranking.thresholds))


def precision_recall_curve(predictions: Predictions) -> Curve:
    """Return precision (y) by recall (x), with the `threshold` of each point."""
    ranking, true, false = _positives_by_step(predictions)
    return _thinned(true / true[-1], true / (true + false), threshold=ranking.thresholds)


def _positives_by_step(predictions: Predictions) -> tuple[Ranking, Array, Array]:
    """Return the ranking, and the numbers of true and of false positives at each of its steps."""
    ranking = Ranking(predictions.target, predictions.scores)
    true, false = ranking.counts(np.ones((1, predictions.rows)))
    return ranking, true[0], false[0]


def calibration_curve(probabilities: Array, outcomes: Array) -> Curve:
    """Return the observed share (y) by the mean probability (x) in bins of equal size, and the `rows` in each."""
    rows, sums, positives = Bins(probabilities, outcomes).sums(np.ones((1, len(probabilities))))
    return Curve(ratio(sums, rows)[0], ratio(positives, rows)[0], {"rows": rows[0]})


def actual_by_predicted_curve(predictions: Predictions) -> Curve:
    """Return the mean outcome (y) by the mean prediction (x) in bins of equal size, and the middle 80 % of outcomes."""
    edges = np.unique(np.quantile(predictions.scores, np.linspace(0, 1, _BINS_OF_NUMBERS + 1)[1:-1]))
    bin_of_row = np.searchsorted(edges, predictions.scores, side="left")
    members = [bin_of_row == number for number in np.unique(bin_of_row)]
    low, high = np.array([np.quantile(predictions.target[member], [0.1, 0.9]) for member in members]).T
    return Curve(
        np.array([predictions.scores[member].mean() for member in members]),
        np.array([predictions.target[member].mean() for member in members]),
        {"low": low, "high": high, "rows": np.array([member.sum() for member in members])},
    )


def error_quantile_curve(predictions: Predictions) -> Curve:
    """Return the absolute error (y) that a share of the rows (x) does not exceed."""
    shares = np.linspace(0, 1, 101)
    return Curve(shares, np.quantile(np.abs(predictions.scores - predictions.target), shares))


def _thinned(x: Array, y: Array, **more: Array) -> Curve:
    """Return at most 200 of the points, with the first and the last among them."""
    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), _MAX_POINTS)).round().astype(np.int64))
    return Curve(x[kept], y[kept], {name: array[kept] for name, array in more.items()})
