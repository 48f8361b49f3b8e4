"""Points to draw: for `dvc plots`, as CSV files that all have the columns x and y, and for the card's pictures."""

import csv
import io
from dataclasses import dataclass, field
from itertools import chain

import numpy as np

from cd4ml.contract.columns import Array
from cd4ml.evaluation.calibration import Bins
from cd4ml.evaluation.predictions import Predictions
from cd4ml.evaluation.ranking import Ranking, ratio
from cd4ml.evaluation.results import significant

_MOST_POINTS = 200
_BINS_OF_NUMBERS = 20


@dataclass(frozen=True)
class Curve:
    """Points of one curve, shape `(points,)` each, and what more is known at each point."""

    x: Array
    y: Array
    more: dict[str, Array] = field(default_factory=dict)

    def to_csv(self) -> str:
        """Return the points under a header line, numbers to six significant digits."""
        columns = {"x": self.x, "y": self.y, **self.more}
        text = io.StringIO()
        points = zip(*([significant(float(value)) for value in array] for array in columns.values()), strict=True)
        csv.writer(text, lineterminator="\n").writerows(chain([tuple(columns)], points))
        return text.getvalue()


def curves(judged: Predictions) -> dict[str, Curve]:
    """Return the curves that tell how good the answers to these rows are, by name; those that the rows define."""
    if judged.task == "regression":
        return {"actual-by-predicted": actual_by_predicted(judged), "error-quantiles": error_quantiles(judged)}
    if judged.task == "multiclass":
        top = judged.scores[np.arange(judged.rows), judged.said]
        return {"calibration": calibration(top, judged.said == judged.target)}
    found = {"calibration": calibration(judged.scores, judged.target)}
    if judged.target.any() and not judged.target.all():
        found |= {"roc": roc(judged), "precision-recall": precision_recall(judged)}
    return found


def roc(judged: Predictions) -> Curve:
    """Return the true (y) by the false positive rate (x), from (0, 0) to (1, 1), with the `threshold` of each point."""
    ranking, true, false = _steps(judged)
    x = np.append(0.0, false / false[-1])
    y = np.append(0.0, true / true[-1])
    return _thinned(x, y, threshold=np.append(1.0, ranking.thresholds))


def precision_recall(judged: Predictions) -> Curve:
    """Return precision (y) by recall (x), with the `threshold` of each point."""
    ranking, true, false = _steps(judged)
    return _thinned(true / true[-1], true / (true + false), threshold=ranking.thresholds)


def _steps(judged: Predictions) -> tuple[Ranking, Array, Array]:
    ranking = Ranking(judged.target, judged.scores)
    true, false = ranking.counts(np.ones((1, judged.rows)))
    return ranking, true[0], false[0]


def calibration(probabilities: Array, happened: Array) -> Curve:
    """Return the share that came true (y) by the mean probability (x) in bins of equal mass, and `rows` in each."""
    counts, said, true = Bins(probabilities, happened).sums(np.ones((1, len(probabilities))))
    return Curve(ratio(said, counts)[0], ratio(true, counts)[0], {"rows": counts[0]})


def actual_by_predicted(judged: Predictions) -> Curve:
    """Return the mean outcome (y) by the mean answer (x) in bins of equal mass, with the middle 80 % of outcomes."""
    edges = np.unique(np.quantile(judged.scores, np.linspace(0, 1, _BINS_OF_NUMBERS + 1)[1:-1]))
    place = np.searchsorted(edges, judged.scores, side="left")
    members = [place == one for one in np.unique(place)]
    low, high = np.array([np.quantile(judged.target[member], [0.1, 0.9]) for member in members]).T
    return Curve(
        np.array([judged.scores[member].mean() for member in members]),
        np.array([judged.target[member].mean() for member in members]),
        {"low": low, "high": high, "rows": np.array([member.sum() for member in members])},
    )


def error_quantiles(judged: Predictions) -> Curve:
    """Return the absolute error (y) that a share of the rows (x) stays within."""
    shares = np.linspace(0, 1, 101)
    return Curve(shares, np.quantile(np.abs(judged.scores - judged.target), shares))


def _thinned(x: Array, y: Array, **more: Array) -> Curve:
    """Return at most 200 of the points, first and last among them."""
    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), _MOST_POINTS)).round().astype(np.int64))
    return Curve(x[kept], y[kept], {name: array[kept] for name, array in more.items()})
