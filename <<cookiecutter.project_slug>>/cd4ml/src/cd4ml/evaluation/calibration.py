"""Whether probabilities mean what they say."""

import numpy as np

from cd4ml.contract.columns import Array
from cd4ml.evaluation.ranking import ratio

BINS = 10
_AT_ONCE = 100  # resamples in memory
_SEED = 20_240_131


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

    def error_by_chance(self, probabilities: Array, rounds: int) -> Array:
        """Return calibration errors, shape `(rounds,)`, that as many rows would have if their probabilities were right.

        Outcomes are drawn from the probabilities themselves (consistency resampling: Bröcker & Smith, *Increasing the
        reliability of reliability diagrams*, 2007), the same in every run.
        """
        generator = np.random.Generator(np.random.PCG64(_SEED))
        member = self._sums[:, : self._bins]
        said = self._sums[:, self._bins : 2 * self._bins].sum(axis=0)
        errors = []
        for start in range(0, rounds, _AT_ONCE):
            some = min(_AT_ONCE, rounds - start)
            happened = generator.random((some, len(probabilities))) < probabilities
            errors.append(np.abs(said - happened @ member).sum(axis=1) / len(probabilities))
        return np.concatenate(errors)
