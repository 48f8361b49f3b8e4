"""Evaluate a candidate, which is a trial of the study: draw its values, and fit it on more and more rows.

It is fitted on a share of the rows first; the best of `tune.factor` so far go on to that many times the rows, until
they have all (Li et al., *A System for Massively Parallel Hyperparameter Tuning*, 2020). With the factor 3 these are
three rungs of about equal cost: 24 candidates on 3 folds take the work of about 25 fits on all rows, which chance makes
15 to 30, and of 72 without pruning. Candidates are drawn at random: if a sampler learns which values are good, more of
the later ones go on. With TPE it was the work of 44 fits on the example.
"""

import uuid

import numpy as np
import optuna
from optuna.samplers import RandomSampler
from optuna.trial import FrozenTrial, TrialState

from cd4ml.tuning.ctrl_c import LetThrough
from cd4ml.tuning.search import Search
from cd4ml.tuning.space import ModelValues, as_text, suggest

EVALUATED = (TrialState.COMPLETE, TrialState.PRUNED)
PROCESS = uuid.uuid4().hex
IS_REPEATED = "is_repeated"  # the attribute of a trial that has drawn the values of another one


def has_values(trial: FrozenTrial, values: ModelValues) -> bool:
    """Return whether a trial has these values."""
    return as_text(trial.user_attrs.get("values")) == as_text(values)


def evaluate(trial: optuna.Trial, search: Search, let_through: LetThrough) -> float:
    """Return the mean score over the folds on all rows.

    Args:
        trial: one with the present values, which is not pruned; or one without, whose values are drawn.
        search: the rows, folds and settings.
        let_through: returns a context manager for each fit; Ctrl-C, which is held back, may stop it.

    Raises:
        TrialPruned: others are better, a fit failed, or the same values were drawn before.
    """
    is_present = "values" in trial.user_attrs
    values = trial.user_attrs["values"] if is_present else _draw(trial, search)
    same = [other for other in trial.study.get_trials() if other.number != trial.number and has_values(other, values)]
    if not is_present and any(other.state in EVALUATED for other in same):
        trial.set_user_attr(IS_REPEATED, True)
        raise optuna.TrialPruned
    trial.set_user_attr("values", values)
    trial.set_user_attr("process", PROCESS)
    known = (other.user_attrs.get("scores", []) for other in same)  # of one that was interrupted
    scores: list[list[float]] = max(known, key=lambda scores: [*map(len, scores)], default=[])
    for rung, share in enumerate(search.shares):
        scores += [[]] if rung == len(scores) else []
        for fold in search.folds[len(scores[rung]) :]:
            try:
                with let_through():
                    score = search.score(values, fold, share)
            except Exception as error:  # an estimator may raise anything; the search continues without this candidate
                trial.set_user_attr("failure", (str(error).splitlines() or [""])[0] or type(error).__name__)
                raise optuna.TrialPruned from None
            scores[rung].append(score)
            trial.set_user_attr("scores", scores[: rung + 1])
        trial.set_user_attr("scores", scores[: rung + 1])  # not those of an interrupted trial that went further
        trial.report(float(np.mean(scores[rung])), step=search.params.tune.factor**rung)
        if share < 1 and trial.should_prune() and not is_present:
            raise optuna.TrialPruned
    return float(np.mean(scores[-1]))


def _draw(trial: optuna.Trial, search: Search) -> ModelValues:
    """Draw values from the space.

    The random state depends on the seed and the number of earlier trials that were not interrupted. So a trial draws
    the same as the interrupted one that it replaces, and two processes draw different values.
    """
    earlier = [other for other in trial.study.get_trials(deepcopy=False) if other.number < trial.number]
    index = sum(other.state != TrialState.FAIL for other in earlier)
    seed = np.random.SeedSequence((search.params.tune.seed, index)).generate_state(1)
    trial.study.sampler = RandomSampler(seed=int(seed[0]))
    return suggest(trial, search.params.tune.space)
