"""Successive halving, as scikit-learn does it: all candidates on few rows, the best of them on more, and so on.

Each rung keeps the best of `factor` candidates and gives them `factor` times the rows (Jamieson & Talwalkar,
*Non-stochastic best arm identification*, 2016). What grows is the share of each fold's rows that is learnt from;
every rung judges on all of the rows to be judged on, so that few of them do not decide who goes on.
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
from cd4ml.tuning.fit_cache import Judgement
from cd4ml.tuning.study import Study

LEAST_ROWS = 100  # that the smallest fold has on the first rung: fewer rank candidates by luck


@dataclass(frozen=True)
class Rung:
    """One round of the search."""

    share: float
    """Of each fold's rows."""
    rows: int
    """That the largest fold is fitted on."""
    candidates: int


@dataclass(frozen=True)
class Trial:
    """What a candidate came to on one rung."""

    number: int
    rung: int
    judgements: list[Judgement]
    """One a fold, up to the first that failed."""
    remembered: int
    """How many of them were remembered from an earlier run."""

    @property
    def scores(self) -> list[float]:
        """The main metric on each fold; empty when a fit failed."""
        return [] if self.failure else [said.score for said in self.judgements if said.score is not None]

    @property
    def failure(self) -> str | None:
        """Why a fit failed."""
        return next((said.failure for said in self.judgements if said.failure), None)

    @property
    def mean(self) -> float:
        """Mean over the folds; NaN when a fit failed."""
        return float(np.mean(self.scores)) if self.scores else math.nan

    @property
    def deviation(self) -> float:
        """Standard deviation over the folds; NaN when a fit failed."""
        return float(np.std(self.scores)) if self.scores else math.nan


@dataclass(frozen=True)
class Outcome:
    """What a search found."""

    rungs: list[Rung]
    trials: list[Trial]
    """Of every candidate on every rung that it came to, and of the present values on the last one."""
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


def rungs_of(study: Study) -> list[Rung]:
    """Return the rungs ahead: as many as halving the candidates needs, or as few as leave the first enough rows."""
    factor, count = study.params.tune.factor, len(study.candidates)
    needed = math.floor(math.log(count, factor))  # as scikit-learn has it
    smallest = min(len(fold.learn) for fold in study.folds)
    possible = math.floor(math.log(max(1, smallest / LEAST_ROWS), factor))
    last = min(needed, possible)
    rungs = []
    for rung in range(last + 1):
        share = 1 / factor ** (last - rung)
        rungs.append(Rung(share, max(fold.size(share) for fold in study.folds), count))
        count = math.ceil(count / factor)
    return rungs


class Candidate(BaseEstimator):  # type: ignore[misc]
    """A candidate as scikit-learn's search takes it: an estimator whose rows are positions of the study's rows.

    Its parameters are the number of a candidate, and how many parts of the rows to learn from: what halving raises.
    """

    def __init__(self, asked: "Asked | None" = None, number: int = 0, parts: int = 1) -> None:
        self.asked, self.number, self.parts = asked, number, parts

    def __sklearn_clone__(self) -> "Candidate":
        return Candidate(self.asked, self.number, self.parts)  # of the same study, not of a copy with all its rows

    def fit(self, positions: Array, y: None = None) -> Self:
        """Note which rows to learn from; the fit itself waits for `score`, which may find it remembered."""
        self.fold_ = positions[:, 0].tobytes()
        return self

    def score(self, positions: Array, y: None = None) -> float:
        """Return the fold's score, higher is better; NaN, which scikit-learn ranks last, when the fit failed."""
        assert self.asked is not None  # noqa: S101 - scikit-learn wants a default for every parameter
        return self.asked.score(self.number, self.parts, self.fold_)


class Asked:
    """A study as halving asks about it, fold by fold: a candidate is judged whole when its first fold is asked for."""

    def __init__(self, study: Study, rungs: list[Rung], tell: Callable[[Trial], None]) -> None:
        self._study, self._rungs, self._tell = study, rungs, tell
        self._fold = {fold.learn.tobytes(): number for number, fold in enumerate(study.folds)}
        self._rung = {study.params.tune.factor**rung: rung for rung in range(len(rungs))}
        self._told: set[tuple[int, int]] = set()
        self.trials: dict[tuple[int, int], Trial] = {}

    def trial(self, number: int, rung: int) -> Trial:
        """Return what a candidate comes to on a rung."""
        if (number, rung) not in self.trials:
            said, remembered = self._study.judgements(number, self._rungs[rung].share)
            self.trials[number, rung] = Trial(number, rung, said, remembered)
        return self.trials[number, rung]

    def score(self, number: int, parts: int, fold: bytes) -> float:
        """Return a candidate's score on one fold, higher is better; NaN when any of its fits failed.

        Raises:
            ModelError: all candidates of the rung have failed.
        """
        rung = self._rung[parts]
        trial = self.trial(number, rung)
        if (number, rung) not in self._told:
            self._told.add((number, rung))
            self._tell(trial)
            self._check(rung)
        return math.nan if trial.failure else self._study.sign * trial.scores[self._fold[fold]]

    def _check(self, rung: int) -> None:
        told = [self.trials[key] for key in self._told if key[1] == rung]
        if len(told) == self._rungs[rung].candidates and all(trial.failure for trial in told):
            raise ModelError(f"every candidate failed, so nothing was changed; the first said: {told[0].failure}")


def search(study: Study, rungs: list[Rung], tell: Callable[[Trial], None]) -> Outcome:
    """Return what halving finds among the study's candidates; `tell` is called with each trial as it is done.

    The present values are judged first of all, on all rows, whatever rung they come to afterwards: so that they are
    compared with the winner on the same folds.

    Raises:
        ModelError: every candidate failed.
    """
    asked = Asked(study, rungs, tell)
    last = len(rungs) - 1
    present = asked.trial(0, last)
    tell(present)
    halving = HalvingRandomSearchCV(
        Candidate(asked),
        {"number": list(range(len(study.candidates)))},
        n_candidates=len(study.candidates),
        factor=study.params.tune.factor,
        resource="parts",
        min_resources=1,
        max_resources=study.params.tune.factor**last + (last > 0),  # one more: its logarithm is rounded down
        cv=[(fold.learn, fold.judge) for fold in study.folds],
        refit=False,
        error_score="raise",
        random_state=study.params.tune.seed,
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "One or more of the test scores are non-finite", UserWarning)
        halving.fit(np.arange(len(study.target)).reshape(-1, 1))
    winner = asked.trial(_winner(halving.cv_results_, halving.best_index_), last)
    return Outcome(rungs, list(asked.trials.values()), winner, present, study.sign)


def _winner(results: dict[str, Any], best: int) -> int:
    return int(results["params"][best]["number"])
