"""Estimate how certain a metric is: percentile intervals of the bootstrap (Efron & Tibshirani, 1993)."""

from collections.abc import Iterator, Sequence

import numpy as np

from cd4ml.contract.columns import Array
from cd4ml.evaluation.metrics import Scorer

_CELLS = 1_000_000  # weights held in memory at once: 8 MB, however many rows and rounds there are
_SEED = 20_240_131


def bootstrap(scorers: Sequence[Scorer], rows: int, rounds: int) -> list[dict[str, Array]]:
    """Return each scorer's metrics on the same `rounds` resamples of `rows` rows: shape `(rounds,)` each.

    Rows are drawn with replacement. The resamples are the same in every run, and the same for all scorers, so that
    the difference of two models is computed on the same rows.
    """
    chunks = [[scorer(weights) for scorer in scorers] for weights in _weights(rows, rounds)]
    return [
        {name: np.concatenate([metrics[name] for metrics in chunks_of_scorer]) for name in chunks_of_scorer[0]}
        for chunks_of_scorer in zip(*chunks, strict=True)
    ]


def _weights(rows: int, rounds: int) -> Iterator[Array]:
    """Yield how often each row is drawn, shape `(rounds of this chunk, rows)`, until all rounds are done."""
    generator = np.random.Generator(np.random.PCG64(_SEED))
    chunk = max(1, _CELLS // rows)
    for start in range(0, rounds, chunk):
        size = min(chunk, rounds - start)
        drawn = generator.integers(0, rows, size=(size, rows))
        drawn += np.arange(size)[:, None] * rows
        yield np.bincount(drawn.ravel(), minlength=size * rows).reshape(size, rows).astype(np.float64)


def percentile_interval(values: Array) -> tuple[float, float] | None:
    """Return the 95 % interval of a metric's resampled values, shape `(rounds,)`; None if over half of them are NaN."""
    defined = values[~np.isnan(values)]
    if 2 * len(defined) < len(values):
        return None
    low, high = np.quantile(defined, [0.025, 0.975])
    return float(low), float(high)
