"""How well scores put rows in order, for many weightings of the same rows at once.

Rows are sorted once; each weighting then costs two cumulative sums, where sorting again for each of a thousand
resamples would take ten times as long.
"""

import numpy as np

from cd4ml.contract.columns import Array


def ratio(part: Array, whole: Array) -> Array:
    """Return `part / whole`, NaN where `whole` is nought."""
    shape = np.broadcast_shapes(part.shape, whole.shape)
    return np.asarray(np.divide(part, whole, out=np.full(shape, np.nan), where=whole != 0))


class Ranking:
    """Rows sorted by score, the highest first; rows of one score count as one step."""

    def __init__(self, positive: Array, scores: Array) -> None:
        """Sort: `positive` is 0 or 1, `scores` any numbers, both of shape `(rows,)`."""
        self._order = np.argsort(-scores, kind="stable")
        self._positive = positive[self._order].astype(np.float64)
        ranked = scores[self._order]
        self._ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) if len(ranked) else np.arange(0)
        self.thresholds = ranked[self._ends]
        """The distinct scores, the highest first: shape `(steps,)`."""

    def counts(self, weights: Array) -> tuple[Array, Array]:
        """Return the weight of true and of false positives at each step, shape `(rounds, steps)` each."""
        ranked = weights[:, self._order]
        everything = np.cumsum(ranked, axis=1)[:, self._ends]
        true = np.cumsum(ranked * self._positive, axis=1)[:, self._ends]
        return true, everything - true

    def metrics(self, weights: Array) -> tuple[Array, Array]:
        """Return `(roc_auc, average_precision)`, shape `(rounds,)` each, of weights `(rounds, rows)`.

        The area under the ROC curve is the chance that a positive scores above a negative, ties counting half
        (Hanley & McNeil, 1982). Average precision is the sum of precision over the steps of recall, not interpolated.
        NaN where no positive, or for the area no negative, has weight.
        """
        true, false = self.counts(weights)
        gained = np.diff(true, axis=1, prepend=0.0)
        at_step = np.divide(true, true + false, out=np.zeros_like(true), where=true + false > 0)
        precision = np.einsum("rs,rs->r", gained, at_step)
        # a positive beats the negatives ranked after its step, and half of those that share it
        above = np.einsum("rs,rs->r", gained, false - np.diff(false, axis=1, prepend=0.0) / 2)
        positives, negatives = true[:, -1], false[:, -1]
        area = 1 - ratio(above, positives * negatives)
        return area, ratio(precision, positives)
