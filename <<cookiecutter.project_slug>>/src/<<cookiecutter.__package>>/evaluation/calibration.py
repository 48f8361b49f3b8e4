"""Whether probabilities mean what they say."""

import numpy as np

from ..columns import Array
from .ranking import ratio

BINS = 10


class Bins:
    """Rows in bins of equal mass by probability: the same bins for every weighting of the rows.

    Equal mass, since bins of equal width leave most of a rare class's rows in one of them
    (Nguyen & O'Connor, *Posterior calibration and exploratory analysis*, 2015). Equal probabilities share a bin.
    """

    def __init__(self, probabilities: Array, happened: Array, bins: int = BINS) -> None:
        """Bin: `probabilities` in [0, 1], `happened` 0 or 1, both of shape `(rows,)`."""
        edges = np.unique(np.quantile(probabilities, np.linspace(0, 1, bins + 1)[1:-1]))
        place = np.searchsorted(edges, probabilities, side="left")
        member = (place[:, None] == np.unique(place)).astype(np.float64)
        self._bins = member.shape[1]
        self._sums = np.hstack([member, member * probabilities[:, None], member * happened[:, None]])

    def sums(self, weights: Array) -> tuple[Array, Array, Array]:
        """Return each bin's weight, sum of probabilities and sum of outcomes: `(rounds, bins)`, of `(rounds, rows)`."""
        rows, said, happened = np.split(weights @ self._sums, [self._bins, 2 * self._bins], axis=1)
        return rows, said, happened

    def error(self, weights: Array) -> Array:
        """Return the expected calibration error, shape `(rounds,)`: how far probabilities are from shares, on average.

        The mean over the bins, by weight, of |mean probability - share that happened| (Naeini et al., AAAI 2015).
        """
        rows, said, happened = self.sums(weights)
        return ratio(np.abs(said - happened).sum(axis=1), rows.sum(axis=1))
