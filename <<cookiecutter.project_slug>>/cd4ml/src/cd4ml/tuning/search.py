"""Successive halving with scikit-learn: score all candidates on few rows, the best of them on more rows, and so on.

Each rung keeps the best of `factor` candidates and gives them `factor` times the rows (Jamieson & Talwalkar,
*Non-stochastic best arm identification*, 2016). What grows is the share of each fold's rows to train on; every rung
validates on all validation rows, so that a small sample of these does not decide which candidates are kept.
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingRandomSearchCV

from cd4ml.contract.columns import Array
from cd4ml.errors import ModelError
from cd4ml.tuning.fit_cache import FitResult
from cd4ml.tuning.study import Study

LEAST_ROWS = 100  # in the smallest fold on the first rung: with fewer, chance ranks the candidates


@dataclass(frozen=True)
class Rung:
    """One round of the search."""

    share: float
    """Of each fold's rows to train on."""
    rows: int
    """The number of rows of the largest fold."""
    candidates: int


@dataclass(frozen=True)
class Trial:
    """The results of one candidate on one rung."""

    number: int
    """The candidate's."""
    rung: int
    results: list[FitResult]
    """One for each fold, up to the first that failed."""
    cached: int
    """How many of them were in the cache of an earlier run."""

    @property
    def scores(self) -> list[float]:
        """The main metric on each fold; empty if a fit failed."""
        return [] if self.failure else [result.score for result in self.results if result.score is not None]

    @property
    def failure(self) -> str | None:
        """Why a fit failed; None if none did."""
        return next((result.failure for result in self.results if result.failure), None)

    @property
    def mean(self) -> float:
        """The mean over the folds; NaN if a fit failed."""
        return float(np.mean(self.scores)) if self.scores else math.nan

    @property
    def deviation(self) -> float:
        """The standard deviation over the folds; NaN if a fit failed."""
        return float(np.std(self.scores)) if self.scores else math.nan


@dataclass(frozen=True)
class Outcome:
    """The outcome of a search."""

    rungs: list[Rung]
    trials: list[Trial]
    """Those of every candidate on every rung that it reached, and that of the present values on the last rung."""
    winner: Trial
    present: Trial
    sign: int = field(repr=False)

    @property
    def gain(self) -> float:
        """How much better the winner is than the present values, on average over the folds; above 0 is better."""
        return self.sign * (self.winner.mean - self.present.mean)

    @property
    def is_better(self) -> bool:
        """Whether the winner is better than the present values, or these cannot be fitted."""
        return not self.winner.failure and (bool(self.present.failure) or self.gain > 0)


def plan_rungs(study: Study) -> list[Rung]:
    """Return the rungs of a search: as many as halving needs, or fewer, so that the first has enough rows."""
    factor, count = study.params.tune.factor, len(study.candidates)
    needed = math.floor(math.log(count, factor))  # as in scikit-learn
    smallest = min(len(fold.train) for fold in study.folds)
    possible = math.floor(math.log(max(1, smallest / LEAST_ROWS), factor))
    last = min(needed, possible)
    rungs = []
    for rung in range(last + 1):
        share = 1 / factor ** (last - rung)
        rungs.append(Rung(share, max(fold.size(share) for fold in study.folds), count))
        count = math.ceil(count / factor)
    return rungs


class Candidate(BaseEstimator):  # type: ignore[misc]
    """A candidate as an estimator of scikit-learn, whose rows are positions of the study's rows.

    Its parameters are the number of the candidate, and the share of the rows to train on, in parts: halving raises it.
    """

    def __init__(self, trials: "TrialRunner | None" = None, number: int = 0, parts: int = 1) -> None:
        self.trials, self.number, self.parts = trials, number, parts

    def __sklearn_clone__(self) -> "Candidate":
        return Candidate(self.trials, self.number, self.parts)  # shares the runner: a deep copy would copy all rows

    def fit(self, positions: Array, y: None = None) -> Self:
        """Store which fold this is; `score` makes the fit, unless its result is in the cache."""
        self.fold_ = positions[:, 0].tobytes()
        return self

    def score(self, positions: Array, y: None = None) -> float:
        """Return the fold's score, higher is better; NaN, which scikit-learn ranks last, if the fit failed."""
        assert self.trials is not None  # noqa: S101 - scikit-learn requires a default for every parameter
        return self.trials.fold_score(self.number, self.parts, self.fold_)


class TrialRunner:
    """Runs each trial once, when scikit-learn needs its first fold's score, and keeps it for the other folds."""

    def __init__(self, study: Study, rungs: list[Rung], on_trial: Callable[[Trial], None]) -> None:
        self._study, self._rungs, self._on_trial = study, rungs, on_trial
        self._fold_numbers = {fold.train.tobytes(): number for number, fold in enumerate(study.folds)}
        self._rung_numbers = {study.params.tune.factor**rung: rung for rung in range(len(rungs))}
        self._reported: set[tuple[int, int]] = set()
        self.trials: dict[tuple[int, int], Trial] = {}

    def trial(self, number: int, rung: int) -> Trial:
        """Return the trial of a candidate on a rung."""
        if (number, rung) not in self.trials:
            results, cached = self._study.evaluate(number, self._rungs[rung].share)
            self.trials[number, rung] = Trial(number, rung, results, cached)
        return self.trials[number, rung]

    def fold_score(self, number: int, parts: int, fold: bytes) -> float:
        """Return a candidate's score on one fold, higher is better; NaN if any of its fits failed.

        Raises:
            ModelError: all candidates of the rung have failed.
        """
        rung = self._rung_numbers[parts]
        trial = self.trial(number, rung)
        if (number, rung) not in self._reported:
            self._reported.add((number, rung))
            self._on_trial(trial)
            self._check(rung)
        return math.nan if trial.failure else self._study.sign * trial.scores[self._fold_numbers[fold]]

    def _check(self, rung: int) -> None:
        trials = [self.trials[key] for key in self._reported if key[1] == rung]
        if len(trials) == self._rungs[rung].candidates and all(trial.failure for trial in trials):
            raise ModelError(f"every candidate failed, so nothing was changed; one error: {trials[0].failure}")


def search(study: Study, rungs: list[Rung], on_trial: Callable[[Trial], None]) -> Outcome:
    """Return the outcome of successive halving of the study's candidates.

    The present values are scored first, on all rows, whichever rung they reach later, so that they are compared with
    the winner on the same folds.

    Args:
        study: the rows, folds and candidates.
        rungs: those that `plan_rungs` returns.
        on_trial: called with each trial when it is done.

    Raises:
        ModelError: every candidate failed.
    """
    trials = TrialRunner(study, rungs, on_trial)
    last = len(rungs) - 1
    present = trials.trial(0, last)
    on_trial(present)
    halving = HalvingRandomSearchCV(
        Candidate(trials),
        {"number": list(range(len(study.candidates)))},
        n_candidates=len(study.candidates),
        factor=study.params.tune.factor,
        resource="parts",
        min_resources=1,
        max_resources=study.params.tune.factor**last + (last > 0),  # one more: its logarithm is rounded down
        cv=[(fold.train, fold.validation) for fold in study.folds],
        refit=False,
        error_score="raise",
        random_state=study.params.tune.seed,
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "One or more of the test scores are non-finite", UserWarning)
        halving.fit(np.arange(len(study.target)).reshape(-1, 1))
    winner = trials.trial(_winner(halving.cv_results_, halving.best_index_), last)
    return Outcome(rungs, list(trials.trials.values()), winner, present, study.sign)


def _winner(results: dict[str, Any], best: int) -> int:
    return int(results["params"][best]["number"])
