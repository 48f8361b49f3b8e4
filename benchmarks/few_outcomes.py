"""How often is pure noise significantly better than the baseline, with few rows of one outcome?

    uv run python -m benchmarks.few_outcomes [--quick]

Draws scores at random, of a few positives among 300 rows, of three classes with few rows outside the first, and errors
of a number of few rows that are no better and no worse. 2.5 % of the intervals should be above the baseline. Each line
has the share with the plain percentile interval of the bootstrap, and with the library's. The last lines have the
highest share of each task with the library's, where it gives an interval; of a number, with 30 rows or more, which
`split.minimum_rows` demands. `--quick` draws fewer.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from cd4ml.contract.columns import Array
from cd4ml.evaluation.intervals import FEWEST, bootstrap, percentile_interval
from cd4ml.evaluation.metrics import Scorer, make_quick_scorer
from cd4ml.evaluation.predictions import Predictions

ROWS, ROUNDS = 300, 300
NOMINAL = 0.025
COUNTS = (1, 2, 3, 4, 5, 6, 8, 10, 20, 50)
FEWEST_ROWS = 30  # of a test set: the default of split.minimum_rows
CLASSES = ["a", "b", "c"]

Replicates = tuple[Array, int]
"""How much better the noise is than the baseline in each resample, and the number of rows that decide."""


def binary(count: int, rng: np.random.Generator) -> Replicates:
    """Return the ROC AUC of noise above one half."""
    target = (np.arange(ROWS) < count).astype(np.int64)
    noise = Predictions("binary", [False, True], target, rng.random(ROWS), 0.5)
    return resampled(make_quick_scorer(noise, "roc_auc"), "roc_auc", ROWS) - 0.5, noise.deciding_rows


def multiclass(count: int, rng: np.random.Generator) -> Replicates:
    """Return the mean ROC AUC of noise above one half: most rows are of the first class, the others' differ."""
    target = np.zeros(ROWS, dtype=np.int64)
    target[:count] = 1 + (np.arange(count) % 2)
    noise = Predictions("multiclass", CLASSES, target, rng.dirichlet([1, 1, 1], ROWS), None)
    return resampled(make_quick_scorer(noise, "roc_auc"), "roc_auc", ROWS) - 0.5, noise.deciding_rows


def regression(count: int, rng: np.random.Generator) -> Replicates:
    """Return the mean absolute error of the baseline above that of the noise: equally far off on average."""
    target = rng.normal(size=count)
    baseline, noise = (
        Predictions("regression", [], target, rng.normal(size=count), None) for _ in range(2)
    )  # the same distribution
    errors = [resampled(make_quick_scorer(each, "mae"), "mae", count) for each in (baseline, noise)]
    return errors[0] - errors[1], noise.deciding_rows


def resampled(scorer: Scorer, name: str, rows: int) -> Array:
    (replicates,) = bootstrap([scorer], rows, ROUNDS)
    return replicates[name]


def shares(draw: Callable[[int, np.random.Generator], Replicates], count: int, draws: int) -> tuple[float, float]:
    """Return how often noise is significantly better: by the plain interval, and by the library's."""
    rng, plain, ours = np.random.default_rng(count), 0, 0
    for _ in range(draws):
        gains, deciding = draw(count, rng)
        plain += bool(np.nanquantile(gains, NOMINAL) > 0)
        interval = percentile_interval(gains, deciding)
        ours += interval is not None and interval[0] > 0
    return plain / draws, ours / draws


def main() -> None:
    """Draw, and print a line for each task and count."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="draw fewer")
    draws = 300 if parser.parse_args().quick else 2000
    goal = NOMINAL + 3 * np.sqrt(NOMINAL * (1 - NOMINAL) / draws)  # three standard errors of the share
    highest = {}
    print(f"task        rows  plain  library (no interval below {FEWEST}), of {draws:,} draws")
    for draw in (binary, multiclass, regression):
        both = {count: shares(draw, count, draws) for count in COUNTS}
        for count, (plain, ours) in both.items():
            print(f"{draw.__name__:<10} {count:>5} {plain:>6.1%} {ours:>6.1%}", flush=True)
        highest[draw.__name__] = max(
            ours for count, (_, ours) in both.items() if draw is not regression or count >= FEWEST_ROWS
        )
    for name, share in highest.items():
        print(f"{name}: noise is better {share:.3f} goal {goal:.3f} {'ok' if share <= goal else 'short'}")


if __name__ == "__main__":
    main()
