"""How sure a metric is: percentile intervals of the bootstrap (Efron & Tibshirani, 1993)."""

from collections.abc import Iterator, Sequence

import numpy as np

from cd4ml.contract.columns import Array
from cd4ml.evaluation.metrics import Scorer

_CELLS = 1_000_000  # weights held at once: 8 MB, whatever the numbers of rows and rounds
_SEED = 20_240_131


def resampled(scorers: Sequence[Scorer], rows: int, rounds: int) -> list[dict[str, Array]]:
    """Return each scorer's metrics on the same `rounds` resamples of `rows` rows: shape `(rounds,)` each.

    Rows are drawn with replacement. The resamples are the same in every run, and the same for all scorers, so that
    the difference of two models is taken on the same rows.
    """
    chunks = [[scorer(weights) for scorer in scorers] for weights in _weights(rows, rounds)]
    of_scorer = zip(*chunks, strict=True)
    return [{name: np.concatenate([chunk[name] for chunk in told]) for name in told[0]} for told in of_scorer]


def _weights(rows: int, rounds: int) -> Iterator[Array]:
    """Yield how often each row is drawn, shape `(some rounds, rows)`, until all rounds are done."""
    generator = np.random.Generator(np.random.PCG64(_SEED))
    at_once = max(1, _CELLS // rows)
    for start in range(0, rounds, at_once):
        some = min(at_once, rounds - start)
        drawn = generator.integers(0, rows, size=(some, rows))
        drawn += np.arange(some)[:, None] * rows
        yield np.bincount(drawn.ravel(), minlength=some * rows).reshape(some, rows).astype(np.float64)


def interval(values: Array) -> tuple[float, float] | None:
    """Return the 95 % interval of a metric's resampled values, shape `(rounds,)`; None where half have no value."""
    there = values[~np.isnan(values)]
    if 2 * len(there) < len(values):
        return None
    low, high = np.quantile(there, [0.025, 0.975])
    return float(low), float(high)
