"""Search for better values of `model:` and write them into params.yaml: `make tune`."""

import sys

from .. import paths
from ..arguments import Arguments
from ..contract import Contract
from ..errors import ParamsError
from ..evaluation.metrics import main_metric
from ..feature_code import FeatureCode
from ..fitting import configured
from ..params import Params
from ..progress import report
from ..table import columns_of_table, read, target_of_table, times_of_table
from ..yaml_edit import check_values, write_values
from .countdown import Countdown
from .folds import make_folds
from .memory import Memory, study_key
from .publish import publish
from .record import keep, search_key
from .search import Outcome, rungs_of, search
from .space import check_space, draw
from .study import Study
from .summary import tell, verdict

INTERRUPTED = 130  # the exit code of a program that was stopped by Ctrl-C


def main(argv: list[str]) -> None:
    """Search, tell what was found, write the winner into params.yaml when it is better, and publish the search.

    Raises:
        UserError: params.yaml, the data or the model do not allow a search.
    """
    Arguments("tune", "search for better values of `model:` in params.yaml").parse_args(argv)
    study = read_study()
    try:
        outcome = _searched(study)
    except KeyboardInterrupt:
        kept = f"{study.memory.size} fits are remembered, and `make tune` goes on from there"
        print(f"\ntune: stopped; {kept}; params.yaml was not changed", file=sys.stderr)
        sys.exit(INTERRUPTED)
    finished = keep(study, outcome)
    if outcome.is_better:
        _write_winner(study, outcome)
    publish(finished)
    report("next: `make train`, `git diff params.yaml`" if outcome.is_better else "next: other limits in tune.space")


def read_study() -> Study:
    """Return what is to be searched, from params.yaml, contract.yaml and data/train.parquet.

    Raises:
        UserError: one of them does not allow a search.
    """
    contract, params, table = Contract.load(paths.CONTRACT), Params.load(), read(paths.TRAIN)
    code = FeatureCode(paths.FEATURES.read_text(encoding="utf-8"))
    features, target = code.derive(columns_of_table(table, contract)), target_of_table(table, contract)
    configured(params, contract.problem, features)
    check_space(params, contract.problem, features)
    check_values(paths.PARAMS, "model", list(params.tune.space), ParamsError)
    key = study_key()
    return Study(
        key=search_key(key, params),
        problem=contract.problem,
        params=params,
        features=features,
        target=target,
        folds=make_folds(target, times_of_table(table, contract), contract.problem, params),
        candidates=draw(params),
        memory=Memory(paths.TUNING / key),
    )


def _searched(study: Study) -> Outcome:
    rungs, metric = rungs_of(study), main_metric(study.problem)
    counts = ", then ".join(f"{rung.candidates} on {rung.rows:,}" for rung in rungs)
    report(f"candidates on rows: {counts}; {len(study.folds)} folds of {len(study.target):,} rows, {_kind(study)}")
    if study.memory.size:
        report(f"{study.memory.size} fits of an earlier run on the same data and code are remembered")
    countdown = Countdown(rungs, metric)
    outcome = search(study, rungs, countdown)
    made, remembered = countdown.fits
    report(f"{made} fits were made, {remembered} were remembered")
    tell(study, outcome, metric)
    report(verdict(outcome))
    return outcome


def _kind(study: Study) -> str:
    if study.folds[0].name.startswith("fold"):
        return "drawn at random"
    return f"each judged on what came after: {study.folds[0].name} first"


def _write_winner(study: Study, outcome: Outcome) -> None:
    """Write the winner into params.yaml.

    Raises:
        ParamsError: its values of `model:` were changed while the search ran.
    """
    winner = study.candidates[outcome.winner.number]
    if Params.load().model != study.params.model:
        raise ParamsError(
            f"{paths.PARAMS}: model: was changed while the search ran, so the winner was not written; "
            "run `make tune` again, which remembers what was fitted"
        )
    changed = {key: value for key, value in winner.items() if value != study.params.model[key]}
    write_values(paths.PARAMS, "model", changed, ParamsError)
    report(f"{paths.PARAMS} has the winner's values under model: now, and is otherwise as it was")
