"""Measure calibration: how far predicted probabilities are from observed shares."""

import numpy as np

from cd4ml.contract.columns import Array
from cd4ml.evaluation.ranking import ratio

BINS = 10
_CHUNK = 100  # simulations held in memory at once
_SEED = 20_240_131


class Bins:
    """Rows grouped by predicted probability into bins of equal size; the bins are the same for every weighting.

    Of equal size, since bins of equal width would put most rows of a rare class into one bin (Nguyen & O'Connor,
    *Posterior calibration and exploratory analysis*, 2015). Rows with equal probabilities share a bin.
    """

    def __init__(self, probabilities: Array, outcomes: Array, bins: int = BINS) -> None:
        """Group the rows: `probabilities` in [0, 1], `outcomes` 0 or 1, both of shape `(rows,)`."""
        edges = np.unique(np.quantile(probabilities, np.linspace(0, 1, bins + 1)[1:-1]))
        bin_of_row = np.searchsorted(edges, probabilities, side="left")
        member = (bin_of_row[:, None] == np.unique(bin_of_row)).astype(np.float64)
        self._bins = member.shape[1]
        self._sums = np.hstack([member, member * probabilities[:, None], member * outcomes[:, None]])

    def sums(self, weights: Array) -> tuple[Array, Array, Array]:
        """Return each bin's weight, sum of probabilities and sum of outcomes, shape `(rounds, bins)` each.

        Args:
            weights: of the rows, shape `(rounds, rows)`.
        """
        rows, probabilities, outcomes = np.split(weights @ self._sums, [self._bins, 2 * self._bins], axis=1)
        return rows, probabilities, outcomes

    def error(self, weights: Array) -> Array:
        """Return the expected calibration error, shape `(rounds,)`.

        It is the mean over the bins, by weight, of |mean probability - observed share| (Naeini et al., AAAI 2015).
        """
        rows, probabilities, outcomes = self.sums(weights)
        return ratio(np.abs(probabilities - outcomes).sum(axis=1), rows.sum(axis=1))

    def simulated_errors(self, probabilities: Array, rounds: int) -> Array:
        """Return the calibration errors, shape `(rounds,)`, of simulated outcomes for which the probabilities are true.

        They show which error chance alone gives with so many rows (consistency resampling: Bröcker & Smith, *Increasing
        the reliability of reliability diagrams*, 2007). The simulations are the same in every run.
        """
        generator = np.random.Generator(np.random.PCG64(_SEED))
        member = self._sums[:, : self._bins]
        sums = self._sums[:, self._bins : 2 * self._bins].sum(axis=0)
        errors = []
        for start in range(0, rounds, _CHUNK):
            size = min(_CHUNK, rounds - start)
            outcomes = generator.random((size, len(probabilities))) < probabilities
            errors.append(np.abs(sums - outcomes @ member).sum(axis=1) / len(probabilities))
        return np.concatenate(errors)
