"""Estimate how certain a metric is: percentile intervals of the bootstrap (Efron & Tibshirani, 1993).

With few rows of one outcome they are too short: the resamples vary by (k - 1) / k of what k such rows vary by, and
their quantiles are a normal distribution's instead of Student's. So their ends are moved out by as much, as the
"expanded percentile interval" has it (Hesterberg, "What Teachers Should Know About the Bootstrap", 2015). Below five
such rows that is not enough either, and there is no interval.
"""

from collections.abc import Iterator, Sequence
from math import sqrt
from statistics import NormalDist

import numpy as np
from scipy.special import stdtrit

from cd4ml.contract.columns import Array
from cd4ml.evaluation.metrics import Scorer

FEWEST = 5  # rows of the rarer outcome; docs/decisions/gate.md has the experiment
_CELLS = 1_000_000  # weights held in memory at once: 8 MB, however many rows and rounds there are
_SEED = 20_240_131


def bootstrap(scorers: Sequence[Scorer], rows: int, rounds: int, groups: Array | None = None) -> list[dict[str, Array]]:
    """Return each scorer's metrics on the same `rounds` resamples of `rows` rows: shape `(rounds,)` each.

    Rows are drawn with replacement. The resamples are the same in every run, and the same for all scorers, so that
    the difference of two models is computed on the same rows. With `groups`, shape `(rows,)`, numbers from 0 on,
    whole groups are drawn, such as days: rows of one are alike.
    """
    drawn = _weights(rows, rounds, rows) if groups is None else _weights_of_groups(groups, rounds)
    chunks = [[scorer(weights) for scorer in scorers] for weights in drawn]
    return [
        {name: np.concatenate([metrics[name] for metrics in chunks_of_scorer]) for name in chunks_of_scorer[0]}
        for chunks_of_scorer in zip(*chunks, strict=True)
    ]


def _weights_of_groups(groups: Array, rounds: int) -> Iterator[Array]:
    return (weights[:, groups] for weights in _weights(int(groups.max(initial=0)) + 1, rounds, len(groups)))


def _weights(rows: int, rounds: int, width: int) -> Iterator[Array]:
    """Yield how often each row is drawn, shape `(rounds of this chunk, rows)`, until all rounds are done.

    As many rounds are in a chunk as fit in memory with `width` numbers each.
    """
    generator = np.random.Generator(np.random.PCG64(_SEED))
    chunk = max(1, _CELLS // max(width, 1))
    for start in range(0, rounds, chunk):
        size = min(chunk, rounds - start)
        drawn = generator.integers(0, rows, size=(size, rows))
        drawn += np.arange(size)[:, None] * rows
        yield np.bincount(drawn.ravel(), minlength=size * rows).reshape(size, rows).astype(np.float64)


def critical_value(count: int, probability: float) -> float:
    """Return how many of the bootstrap's standard errors an estimate is below a quantile of its error.

    Args:
        count: of the rows that decide, at least 2: see `Predictions.deciding_rows`.
        probability: of the quantile, such as 0.975.
    """
    return sqrt(count / (count - 1)) * float(stdtrit(count - 1, probability))


def percentile_interval(values: Array, count: int) -> tuple[float, float] | None:
    """Return the 95 % interval of a metric; None if it cannot be told.

    Args:
        values: the metric's resampled values, shape `(rounds,)`. There is no interval if over half of them are NaN.
        count: of the rows that decide: see `Predictions.deciding_rows`. There is no interval if they are fewer than
            `FEWEST`.
    """
    if count < FEWEST:
        return None
    defined = values[~np.isnan(values)]
    if 2 * len(defined) < len(values):
        return None
    outside = NormalDist().cdf(-critical_value(count, 0.975))
    low, high = np.quantile(defined, [outside, 1 - outside])
    return float(low), float(high)
