"""The verb `tune`: search for better values of `model:`, and write them into params.yaml."""

import sys

from cd4ml.bundle.feature_code import FeatureCode
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import columns_of_table, read_table, target_of_table, times_of_table
from cd4ml.errors import ParamsError
from cd4ml.evaluation.metrics import main_metric
from cd4ml.files.yaml_edit import check_values, write_values
from cd4ml.pipeline.reproduce import reproduce
from cd4ml.settings import paths
from cd4ml.settings.params import Params
from cd4ml.settings.project import read_project
from cd4ml.terminal.arguments import Arguments
from cd4ml.terminal.output import report
from cd4ml.training.build import build_configured_model
from cd4ml.tuning.fit_cache import FitCache, study_key
from cd4ml.tuning.folds import make_folds
from cd4ml.tuning.mlflow_search import publish_search
from cd4ml.tuning.progress import Progress
from cd4ml.tuning.search import Outcome, plan_rungs, search
from cd4ml.tuning.search_result import search_key, write_search_result
from cd4ml.tuning.space import check_space, draw_candidates
from cd4ml.tuning.study import Study
from cd4ml.tuning.summary import conclusion, print_summary

INTERRUPTED = 130  # the exit code of a program that was stopped by Ctrl-C


def main(argv: list[str]) -> None:
    """Search, print the outcome, write the winner into params.yaml if it is better, and publish the search.

    Raises:
        UserError: params.yaml, the data or the model do not allow a search.
    """
    Arguments("tune").parse_args(argv)
    reproduce("--quiet", "split")
    study = read_study()
    try:
        outcome = _search(study)
    except KeyboardInterrupt:
        state = f"the results of {study.cache.size} fits are saved, and `make tune` continues from there"
        print(f"\ntune: stopped; {state}; params.yaml was not changed", file=sys.stderr)
        sys.exit(INTERRUPTED)
    result = write_search_result(study, outcome)
    if outcome.is_better:
        _write_winner(study, outcome)
    publish_search(result)
    report("next: `make train`, `git diff params.yaml`" if outcome.is_better else "next: other limits in tune.space")


def read_study() -> Study:
    """Return the rows, folds and candidates of a search, from params.yaml, contract.yaml and data/train.parquet.

    Raises:
        UserError: one of them does not allow a search.
    """
    contract, params, table = Contract.load(paths.CONTRACT), Params.load(), read_table(paths.TRAIN)
    code = FeatureCode.read(read_project().features)
    features, target = code.derive(columns_of_table(table, contract)), target_of_table(table, contract)
    build_configured_model(params, contract.task, features)
    check_space(params, contract.task, features)
    check_values(paths.PARAMS, "model", list(params.tune.space), ParamsError)
    key = study_key()
    return Study(
        key=search_key(key, params),
        task=contract.task,
        params=params,
        features=features,
        target=target,
        folds=make_folds(target, times_of_table(table, contract), contract.task, params),
        candidates=draw_candidates(params),
        cache=FitCache(paths.TUNING / key),
    )


def _search(study: Study) -> Outcome:
    rungs, metric = plan_rungs(study), main_metric(study.task)
    counts = ", then ".join(f"{rung.candidates} on {rung.rows:,}" for rung in rungs)
    report(f"candidates on rows: {counts}; {len(study.folds)} folds of {len(study.target):,} rows, {_fold_kind(study)}")
    if study.cache.size:
        report(f"the results of {study.cache.size} fits with the same data and code are in the cache")
    progress = Progress(rungs, metric)
    outcome = search(study, rungs, progress)
    made, cached = progress.fit_counts
    report(f"{made} fits were made, {cached} were in the cache")
    print_summary(study, outcome, metric)
    report(conclusion(outcome))
    return outcome


def _fold_kind(study: Study) -> str:
    if study.folds[0].name.startswith("fold"):
        return "drawn at random"
    return f"each validated on later days, the first on {study.folds[0].name}"


def _write_winner(study: Study, outcome: Outcome) -> None:
    """Write the winner's values into params.yaml.

    Raises:
        ParamsError: `model:` was changed while the search ran.
    """
    winner = study.candidates[outcome.winner.number]
    if Params.load().model != study.params.model:
        raise ParamsError(
            f"{paths.PARAMS}: model: was changed while the search ran, so the winner was not written; "
            "run `make tune` again, which uses the results in the cache"
        )
    changed = {key: value for key, value in winner.items() if value != study.params.model[key]}
    write_values(paths.PARAMS, "model", changed, ParamsError)
    report(f"wrote the winner's values under model: in {paths.PARAMS}, and changed nothing else there")
