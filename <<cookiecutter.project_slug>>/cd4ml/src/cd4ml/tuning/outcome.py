"""The outcome of a search: its candidates with their scores, the present values, and the winner."""

import math
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from cd4ml.errors import ModelError
from cd4ml.tuning.search import Search
from cd4ml.tuning.space import ModelValues, as_text


@dataclass(frozen=True)
class Candidate:
    """A candidate that was evaluated on all rows, or until it was pruned or failed."""

    values: ModelValues
    scores: list[list[float]]
    """The main metric on each fold, for each rung that it reached; the last is incomplete if a fit failed."""
    seconds: float
    failure: str | None
    """Why a fit failed; None if none did."""
    is_complete: bool
    """Whether it was evaluated on all rows."""

    @classmethod
    def of(cls, trial: FrozenTrial) -> Self:
        """Return the candidate of a trial."""
        known, seconds = trial.user_attrs, trial.duration.total_seconds() if trial.duration else 0.0
        is_complete = trial.state == TrialState.COMPLETE
        return cls(known["values"], known.get("scores", []), seconds, known.get("failure"), is_complete)

    @property
    def last(self) -> list[float]:
        """The scores on the last rung that it reached; empty if a fit failed."""
        return [] if self.failure else self.scores[-1]

    @property
    def mean(self) -> float:
        """The mean of the last scores; NaN if a fit failed."""
        return float(np.mean(self.last)) if self.last else math.nan

    @property
    def deviation(self) -> float:
        """The standard deviation of the last scores; NaN if a fit failed."""
        return float(np.std(self.last)) if self.last else math.nan


@dataclass(frozen=True)
class Outcome:
    """The outcome of a search."""

    candidates: list[Candidate]
    """The present values, and all others in the order in which they were evaluated."""
    present: Candidate
    winner: Candidate
    sign: int = field(repr=False)

    @classmethod
    def of(cls, search: Search, trials: list[FrozenTrial]) -> Self:
        """Return the outcome of the trials that were evaluated, of which the first `tune.candidates` count.

        Raises:
            ModelError: every candidate failed.
        """
        evaluated, values = [Candidate.of(trial) for trial in trials], as_text(search.present)
        present = next(one for one in evaluated if as_text(one.values) == values and (one.is_complete or one.failure))
        others = [one for one in evaluated[: search.params.tune.candidates] if as_text(one.values) != values]
        complete = [one for one in [present, *others] if one.is_complete]
        if not complete:
            raise ModelError(f"every candidate failed, so nothing was changed; one error: {present.failure}")
        winner = max(complete, key=lambda one: search.sign * one.mean)
        return cls([present, *others], present, winner, search.sign)

    @property
    def gain(self) -> float:
        """How much better the winner is than the present values, on average over the folds; above 0 is better."""
        return self.sign * (self.winner.mean - self.present.mean)

    @property
    def is_better(self) -> bool:
        """Whether the winner is better than the present values, or these cannot be fitted."""
        return bool(self.present.failure) or self.gain > 0
