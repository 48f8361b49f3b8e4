"""The search as a study of Optuna, in which processes on one machine or on many evaluate candidates together.

Processes share the study and nothing else. Each evaluates candidates until there are enough. The first
`tune.candidates` that end count, so that a process that is still at another one comes to the same winner. It needs not
be known whether a process was killed: its candidate is not counted, and another one is evaluated in its place.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import optuna
import sqlalchemy as sql
from optuna.pruners import SuccessiveHalvingPruner
from optuna.trial import FrozenTrial, TrialState

from cd4ml.tuning.ctrl_c import hold_back_ctrl_c
from cd4ml.tuning.search import Search
from cd4ml.tuning.storage import open_storage
from cd4ml.tuning.trial import EVALUATED, IS_REPEATED, evaluate, has_values

_TRIES = 20  # repeated candidates in a row, after which the space is taken to have no more


@contextmanager
def open_study(search: Search, url: sql.URL) -> Iterator[optuna.Study]:
    """Yield the study of a search.

    Raises:
        UserError: the database does not answer.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with open_storage(url) as storage:
        yield optuna.create_study(
            storage=storage,
            study_name=search.key,
            direction="maximize" if search.sign > 0 else "minimize",
            pruner=SuccessiveHalvingPruner(min_resource=1, reduction_factor=search.params.tune.factor),
            load_if_exists=True,
        )


def run_trials(study: optuna.Study, search: Search, on_trial: Callable[[FrozenTrial], None]) -> None:
    """Evaluate the present values, and candidates until there are `tune.candidates` or the space has no more.

    Args:
        study: the study.
        search: the rows, folds and settings.
        on_trial: called with each trial that this process has evaluated.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed. The database has all that was written until then.
    """

    def run_trial() -> None:
        study.optimize(lambda trial: evaluate(trial, search, let_through), n_trials=1, callbacks=[callback])

    def callback(_: optuna.Study, trial: FrozenTrial) -> None:
        if IS_REPEATED not in trial.user_attrs:
            on_trial(trial)

    def count() -> int:
        trials = evaluated_trials(study)
        return len(trials) + (not _include_present(trials, search))

    with hold_back_ctrl_c() as let_through:
        if not _include_present(study.get_trials(deepcopy=False), search):
            study.enqueue_trial({}, user_attrs={"values": search.present})
        while count() < search.params.tune.candidates and not _is_exhausted(study):
            run_trial()
        while not _include_present(evaluated_trials(study), search):  # if the process was killed that evaluated them
            study.enqueue_trial({}, user_attrs={"values": search.present})
            run_trial()


def evaluated_trials(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that were evaluated on all rows, or pruned, or that failed, the first to end first."""
    trials = study.get_trials(deepcopy=False, states=EVALUATED)
    different = [trial for trial in trials if IS_REPEATED not in trial.user_attrs]
    return sorted(different, key=lambda trial: trial.datetime_complete or datetime.max)


def _is_exhausted(study: optuna.Study) -> bool:
    last = study.get_trials(deepcopy=False, states=EVALUATED)[-_TRIES:]
    return len(last) == _TRIES and all(IS_REPEATED in trial.user_attrs for trial in last)


def _include_present(trials: list[FrozenTrial], search: Search) -> bool:
    """Return whether one of the trials has the present values, and was not pruned or interrupted."""
    unusable = (TrialState.PRUNED, TrialState.FAIL)
    usable = [trial for trial in trials if trial.state not in unusable or "failure" in trial.user_attrs]
    return any(has_values(trial, search.present) for trial in usable)
