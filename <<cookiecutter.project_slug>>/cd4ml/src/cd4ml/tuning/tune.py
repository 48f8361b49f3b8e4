"""The verb `tune`: search for better values of `model:`, and write them into params.yaml."""

import sys

import optuna
from optuna.trial import FrozenTrial

from cd4ml.bundle.feature_code import FeatureCode
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import columns_of_table, groups_of_table, read_table, target_of_table, times_of_table
from cd4ml.errors import ParamsError
from cd4ml.evaluation.metric_set import read_metric_set
from cd4ml.files.yaml_edit import check_values, write_values
from cd4ml.pipeline.reproduce import reproduce
from cd4ml.settings import paths
from cd4ml.settings.params import Params
from cd4ml.settings.project import read_project
from cd4ml.terminal.arguments import Arguments
from cd4ml.terminal.output import report
from cd4ml.training.build import build_configured_model
from cd4ml.tuning.folds import make_folds
from cd4ml.tuning.mlflow_search import publish_search
from cd4ml.tuning.outcome import Candidate, Outcome
from cd4ml.tuning.search import Search, search_key
from cd4ml.tuning.space import check_space
from cd4ml.tuning.storage import storage_url
from cd4ml.tuning.study import evaluated_trials, open_study, run_trials
from cd4ml.tuning.summary import Progress, print_summary
from cd4ml.tuning.trial import PROCESS

INTERRUPTED = 130  # the exit code of a program that was stopped by Ctrl-C


def main(argv: list[str]) -> None:
    """Search, print the outcome, write the winner into params.yaml if it is better, and publish the search.

    Raises:
        UserError: params.yaml, the data, the model or the study's database do not allow a search.
    """
    Arguments("tune").parse_args(argv)
    reproduce("--quiet", "split")
    search, url = read_search(), storage_url()
    with open_study(search, url) as study:
        report(f"study {search.key} in {url!r}: {len(evaluated_trials(study))} candidates are evaluated")
        try:
            is_publisher = _run(search, study)
        except KeyboardInterrupt:
            state = f"{len(evaluated_trials(study))} candidates are evaluated, and `make tune` continues from there"
            print(f"\ntune: stopped; {state}; params.yaml was not changed", file=sys.stderr)
            sys.exit(INTERRUPTED)
        outcome = Outcome.of(search, evaluated_trials(study))
        print_summary(search, outcome)
        if outcome.is_better:
            _write_winner(search, outcome)
        if is_publisher:
            publish_search(study, search, outcome)
        else:
            report("the process that evaluated the last candidate publishes the search to MLflow")
    report("next: `make train`, `git diff params.yaml`" if outcome.is_better else "next: other limits in tune.space")


def read_search() -> Search:
    """Return the rows, folds and settings of a search, from params.yaml, contract.yaml and data/train.parquet.

    Raises:
        UserError: one of them does not allow a search.
    """
    contract, params, table = Contract.load(paths.CONTRACT), Params.load(), read_table(paths.TRAIN)
    code = FeatureCode.read(read_project().features)
    features, target = code.derive(columns_of_table(table, contract)), target_of_table(table, contract)
    build_configured_model(params, contract.task, features)
    check_space(params, contract.task, features)
    check_values(paths.PARAMS, "model", list(params.tune.space), ParamsError)
    groups = groups_of_table(table, contract)
    folds = make_folds(target, times_of_table(table, contract), contract.task, params, groups)
    metrics = read_metric_set(contract.task, params)
    return Search(search_key(params), contract.task, params, features, target, folds, metrics)


def _run(search: Search, study: optuna.Study) -> bool:
    """Evaluate what is missing; return whether this process publishes the search: no other has ended it."""
    count, progress = search.params.tune.candidates, Progress(search)
    report(f"{count} candidates, {len(search.folds)} folds of {len(search.target):,} rows, {_fold_kind(search)}")
    before = len(evaluated_trials(study))

    def print_trial(trial: FrozenTrial) -> None:
        progress(Candidate.of(trial), len(evaluated_trials(study)))

    run_trials(study, search, print_trial)
    trials = evaluated_trials(study)
    return len(trials) == before or trials[:count][-1].user_attrs["process"] == PROCESS


def _fold_kind(search: Search) -> str:
    if search.folds[0].name.startswith("fold"):
        return "drawn at random"
    return f"each validated on later days, the first on {search.folds[0].name}"


def _write_winner(search: Search, outcome: Outcome) -> None:
    """Write the winner's values into params.yaml.

    Raises:
        ParamsError: `model:` was changed while the search ran.
    """
    changed = {key: value for key, value in outcome.winner.values.items() if value != search.present[key]}
    model = Params.load().model
    if model == search.params.model | changed:
        report(f"another process has written the winner's values under model: in {paths.PARAMS}")
        return
    if model != search.params.model:
        raise ParamsError(
            f"{paths.PARAMS}: model: was changed while the search ran, so the winner was not written; "
            "run `make tune` again, which continues from the candidates that are evaluated"
        )
    write_values(paths.PARAMS, "model", changed, ParamsError)
    report(f"wrote the winner's values under model: in {paths.PARAMS}, and changed nothing else there")
