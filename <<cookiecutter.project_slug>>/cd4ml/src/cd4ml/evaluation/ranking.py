"""Compute ROC AUC and average precision for many weightings of the same rows at once.

The rows are sorted once. Each weighting then needs two cumulative sums; sorting again for each of a thousand resamples
would take ten times as long.
"""

import numpy as np

from cd4ml.contract.columns import Array


def ratio(numerator: Array, denominator: Array) -> Array:
    """Return `numerator / denominator`; NaN where the denominator is 0."""
    shape = np.broadcast_shapes(numerator.shape, denominator.shape)
    return np.asarray(np.divide(numerator, denominator, out=np.full(shape, np.nan), where=denominator != 0))


class Ranking:
    """Rows sorted by score, the highest first; rows with equal scores form one step."""

    def __init__(self, positive: Array, scores: Array) -> None:
        """Sort the rows: `positive` is 0 or 1, `scores` any numbers, both of shape `(rows,)`."""
        self._order = np.argsort(-scores, kind="stable")
        self._positive = positive[self._order].astype(np.float64)
        ranked = scores[self._order]
        self._ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) if len(ranked) else np.arange(0)
        self.thresholds = ranked[self._ends]
        """The distinct scores, the highest first: shape `(steps,)`."""

    def counts(self, weights: Array) -> tuple[Array, Array]:
        """Return the weight of the true and of the false positives at each step, shape `(rounds, steps)` each."""
        ranked = weights[:, self._order]
        both = np.cumsum(ranked, axis=1)[:, self._ends]
        true = np.cumsum(ranked * self._positive, axis=1)[:, self._ends]
        return true, both - true

    def metrics(self, weights: Array) -> tuple[Array, Array]:
        """Return `(roc_auc, average_precision)`, shape `(rounds,)` each, for weights of shape `(rounds, rows)`.

        The area under the ROC curve is the probability that a positive row has a higher score than a negative one;
        ties count half (Hanley & McNeil, 1982). Average precision is the sum of the precision at each step times the
        step's recall, without interpolation. Both are NaN if no positive row has weight, the area also if no negative
        row has.
        """
        true, false = self.counts(weights)
        positives_of_step = np.diff(true, axis=1, prepend=0.0)
        precision = np.divide(true, true + false, out=np.zeros_like(true), where=true + false > 0)
        precision_sum = np.einsum("rs,rs->r", positives_of_step, precision)
        # A positive row is below the negative rows of earlier steps, and counts half with those of its own step.
        negatives_above = false - np.diff(false, axis=1, prepend=0.0) / 2
        wrong_pairs = np.einsum("rs,rs->r", positives_of_step, negatives_above)
        positives, negatives = true[:, -1], false[:, -1]
        area = 1 - ratio(wrong_pairs, positives * negatives)
        return area, ratio(precision_sum, positives)
