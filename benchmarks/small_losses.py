"""Many small losses in a row: how much they cost under each rule, and what each rule rejects for nothing.

    uv run python -m benchmarks.small_losses [--quick]

A sequence of releases is simulated by its ROC AUC alone. Each challenger is measured on 2,500 rows of its own, drawn
anew, beside the earlier releases on the same rows. Every model ranks rows by a signal that all share and by an error of
its own, whose size sets its true ROC AUC; the error of a difference is estimated from the rows (DeLong et al., 1988).
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
ROWS, POSITIVE, SIGNAL = 2_500, 0.25, 1.0  # rows of a test set, the share of positive ones, the distance of the means
MAX_REGRESSION, ATTEMPTS = 0.005, 20
TOP = NormalDist().cdf(SIGNAL / math.sqrt(2 * 1.05))  # the first release's ROC AUC


@dataclass(frozen=True)
class Measured:
    """The challenger against the newest releases, the champion first: gains and their standard errors."""

    gains: Array
    errors: Array
    recorded: Array
    """What the gate measured at each of these releases against its own champion, the newest first."""


Rule = Callable[[Measured], bool]


def comparison(measured: Measured) -> bool:
    """Whether the gate rejects today: more lost to the champion than is allowed, and significantly."""
    gain, error = measured.gains[0], measured.errors[0]
    return bool(gain < -MAX_REGRESSION and gain + 1.96 * error < 0)


def best_of(releases: int, factor: float, spare_better: bool = False) -> Rule:
    """Return the rule that rejects more than `factor` times the allowed loss to any of the newest releases."""

    def rejects(measured: Measured) -> bool:
        gains, errors = measured.gains[1:releases], measured.errors[1:releases]
        if not len(gains) or (spare_better and measured.gains[0] > 0):
            return False
        quantile = NormalDist().inv_cdf(1 - 0.025 / len(gains))
        return bool(((gains < -factor * MAX_REGRESSION) & (gains + quantile * errors < 0)).any())

    return rejects


def sum_of_losses(releases: int, factor: float) -> Rule:
    """Return the rule that adds up what was measured at the newest releases, and what is lost now."""

    def rejects(measured: Measured) -> bool:
        total = measured.gains[0] + np.concatenate([[0.0], np.cumsum(measured.recorded[: releases - 1])])
        return bool(total.min() < -factor * MAX_REGRESSION)

    return rejects


RULES: dict[str, Rule] = {
    "the champion alone": lambda _: False,
    "sum of 5, 2 x": sum_of_losses(5, 2),
    "best of 5, 1 x": best_of(5, 1),
    "best of 5, 2 x": best_of(5, 2),
    "best of 5, 2 x, unless better now": best_of(5, 2, spare_better=True),
    "best of 10, 2 x": best_of(10, 2),
}


def error_of(auc: float) -> float:
    """Return the standard deviation of a model's own error that gives it this true ROC AUC."""
    return math.sqrt(max(SIGNAL**2 / (2 * NormalDist().inv_cdf(auc) ** 2) - 1, 0.0))


def placements(scores: Array, positive: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Return for each positive row the share of negative ones below it, and for each negative one the opposite."""
    above, below = np.sort(scores[positive]), np.sort(scores[~positive])
    return (
        np.searchsorted(below, scores[positive]) / len(below),
        1 - np.searchsorted(above, scores[~positive]) / len(above),
    )


def measure(aucs: list[float], numbers: list[int], recorded: list[float], generator: np.random.Generator) -> Measured:
    """Return what a test set shows: `aucs` are the challenger's true value, then the releases', the newest first.

    Models of one number are one model, with one error.
    """
    positive = generator.random(ROWS) < POSITIVE
    signal = generator.normal(size=ROWS) + SIGNAL * positive
    own = {number: generator.normal(size=ROWS) for number in sorted(set(numbers))}
    parts = [
        placements(signal + error_of(auc) * own[number], positive) for auc, number in zip(aucs, numbers, strict=True)
    ]
    values = np.array([part[0].mean() for part in parts])
    variances = [
        np.var(parts[0][0] - part[0]) / positive.sum() + np.var(parts[0][1] - part[1]) / (~positive).sum()
        for part in parts[1:]
    ]
    return Measured(values[0] - values[1:], np.sqrt(np.array(variances)), np.array(recorded))


@dataclass(frozen=True)
class World:
    """How true values arise: of a challenger, and of every release on the rows of an attempt."""

    loss: float
    """What each challenger loses to the release before it."""
    spread: float
    """The standard deviation of a retrain around its recipe's value, which is lost again at the next one."""
    season: float
    """How much a model loses on rows of the opposite season; it was trained on the three months before."""


WORLDS = {
    "0.8 x lost each time": World(0.8 * MAX_REGRESSION, 0.0, 0.0),
    "nothing is lost": World(0.0, 0.0, 0.0),
    "retrains differ by 0.002": World(0.0, 0.002, 0.0),
    "seasons of 0.01": World(0.0, 0.002, 0.01),
    "seasons of 0.03": World(0.0, 0.002, 0.03),
}


def fit_for(world: World, month: int, trained: int) -> float:
    """Return what a model loses in a month because it was trained up to another one."""
    seasons = [math.sin(2 * math.pi * (trained - back) / 12) for back in range(1, 4)]
    return -world.season * abs(math.sin(2 * math.pi * month / 12) - sum(seasons) / 3) / 2


def sequence(world: World, rule: Rule, generator: np.random.Generator) -> tuple[list[float], int, int]:
    """Return the true loss of the live recipe after each attempt, how many were rejected, and how many by `rule`."""
    start = int(generator.integers(12))
    base, levels, numbers, months, recorded = TOP, [TOP], [0], [start], [0.0]
    lost, rejected, by_rule = [], 0, 0
    for attempt in range(1, ATTEMPTS + 1):
        month = start + attempt
        recipe = base - world.loss
        level = recipe + generator.normal(0, world.spread)
        aucs = [
            value + fit_for(world, month, trained)
            for value, trained in zip([level, *levels[:10]], [month, *months[:10]], strict=True)
        ]
        measured = measure(aucs, [attempt, *numbers[:10]], recorded, generator)
        alone, more = comparison(measured), rule(measured)
        rejected, by_rule = rejected + (alone or more), by_rule + (more and not alone)
        if not (alone or more):
            base, recorded = recipe, [float(measured.gains[0]), *recorded]
            levels, numbers, months = [level, *levels], [attempt, *numbers], [month, *months]
        lost.append(TOP - base)
    return lost, rejected, by_rule


def main() -> None:
    """Print, for each world and rule, the mean loss after 10 and 20 attempts, and what was rejected."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="20 sequences instead of 200")
    sequences = 20 if parser.parse_args().quick else 200
    for name, world in WORLDS.items():
        print(f"\n{name}, of {sequences} sequences of {ATTEMPTS} challengers")
        print(f"  {'rule':36}{'lost after 10':>15}{'after 20':>10}{'rejected':>10}{'by the rule alone':>19}")
        for label, rule in RULES.items():
            drawn = [sequence(world, rule, np.random.default_rng(seed)) for seed in range(sequences)]
            lost = np.mean([one[0] for one in drawn], axis=0)
            share = 100 / sequences / ATTEMPTS
            all_, own = share * sum(one[1] for one in drawn), share * sum(one[2] for one in drawn)
            print(f"  {label:36}{lost[9]:15.4f}{lost[19]:10.4f}{all_:9.1f}%{own:18.1f}%")


if __name__ == "__main__":
    main()
