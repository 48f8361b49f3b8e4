"""The verb `adopt`: replace the example by a table of the team's own, and print what was decided."""

import re
from pathlib import Path
from typing import Any

import pandas as pd

from cd4ml.adoption.adopt_again import adopt_again
from cd4ml.adoption.canvas import empty_canvas
from cd4ml.adoption.decision import Decision
from cd4ml.adoption.decisions import asked, decide
from cd4ml.adoption.gate_choice import gate_settings
from cd4ml.adoption.leakage import leaking_columns
from cd4ml.adoption.metric_choice import main_metric
from cd4ml.adoption.model_choice import Choice, choose_model
from cd4ml.adoption.null_texts import null_texts
from cd4ml.adoption.project_files import (
    contract_text,
    features_test_text,
    features_text,
    model_text,
    params_text,
    source_settings,
)
from cd4ml.adoption.questions import Ask, asker
from cd4ml.adoption.source_files import data_params, place_in_project, remove_example_rows
from cd4ml.adoption.split_choice import SplitChoice, choose_split
from cd4ml.adoption.summary import print_choices, print_decisions
from cd4ml.contract.columns import rows_of_columns
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import columns_of_table, groups_of_table, target_of_table, times_of_table
from cd4ml.contract.validation import violations
from cd4ml.errors import ContractError, DataError, ParamsError, nearest_names
from cd4ml.files.atomic import write_text
from cd4ml.files.text import read_text
from cd4ml.pipeline.validate import broken_rules
from cd4ml.settings import paths
from cd4ml.settings.params import DataParams, Params
from cd4ml.settings.project import read_project
from cd4ml.source.arrow_table import SourceTable
from cd4ml.source.contract_values import contract_values, with_nulls, with_plain_numbers
from cd4ml.source.draft_contract import TargetDraft, target_drafts
from cd4ml.source.read import read_source
from cd4ml.source.window import with_target
from cd4ml.terminal.arguments import Arguments
from cd4ml.terminal.output import report

_EXAMPLE = "These columns are the example's."  # a comment in contract.yaml as it is generated
_FEWEST_ROWS = 50


def main(argv: list[str]) -> None:
    """Write contract.yaml, params.yaml, features.py, model.py and a test for a table; remove the example's files.

    If contract.yaml is the team's already, only the source changes: nothing that a person wrote is replaced.

    Raises:
        UserError: the table cannot be read, has no such target, or has too few rows.
    """
    arguments = Arguments("adopt")
    arguments.add_argument("data", help="a path, a folder, a glob, a URL, or a database")
    arguments.add_argument("--target", required=True, help="the column to predict")
    arguments.add_argument("--id", help="the column that names a row, or what several rows belong to")
    arguments.add_argument("--time", help="the column that orders the rows")
    arguments.add_argument("--query", help="the SELECT, if the data is in a database")
    arguments.add_argument("--tune", type=seconds, default=30.0, help="seconds for the comparison of models (30)")
    arguments.add_argument("--yes", action="store_true", help="ask nothing; take the likeliest answers")
    options = arguments.parse_args(argv)
    data = data_params(options.data, options.query)
    if paths.CONTRACT.exists() and _EXAMPLE not in read_text(paths.CONTRACT, ContractError):
        adopt_again(data, options.target)
        return
    named = {"TARGET": options.target, "ID": options.id, "TIME": options.time}
    _adopt(data, {option: name for option, name in named.items() if name is not None}, options.tune, asker(options.yes))


def seconds(text: str) -> float:
    """Return a number of seconds that may end in s."""
    return float(text.removesuffix("s"))


def _adopt(data: DataParams, named: dict[str, str], limit: float, ask: Ask) -> None:
    as_read = read_source(data)
    _check_names(as_read, named)
    target, identity, time = named["TARGET"], named.get("ID"), named.get("TIME")
    source = with_plain_numbers(as_read, data)
    labelled = source.rows[target].notna()
    if labelled.sum() < _FEWEST_ROWS:
        raise DataError(f"only {labelled.sum():,} rows have a value of {target}; a model needs {_FEWEST_ROWS}")
    if nulls := null_texts(as_read, source, target, ask):
        data = data.model_copy(update={"null_values": nulls})
        as_read = with_nulls(as_read, nulls)
        source = with_plain_numbers(as_read, data)
    drafts = target_drafts(source.rows[target], source.typed)
    draft = drafts[ask(f"what does a model of {target} predict?", [one.meaning for one in drafts]) if drafts[1:] else 0]
    decisions = decide(source, target, identity, time, ask)
    if not any(one.role in ("column", "time") for one in decisions):
        raise DataError(f"no column is left to predict {target} from: all others name a row or are left out")
    contract = _contract(draft, decisions)
    table = with_target(contract_values(as_read, contract, data), contract).reset_index(drop=True)
    _check_rows(table, contract)
    split = choose_split(table, contract)
    decisions, choice = _model(table[~split.in_test], contract, decisions, limit, ask)
    _write(data, table, draft, decisions, choice, split)
    certainty = "check" if draft.remark else "sure"
    print_decisions(decisions, (target, f"target, {contract.target.type}", certainty, draft.meaning))
    print_choices(choice, split.summary, int((~labelled).sum()))


def _check_names(source: SourceTable, named: dict[str, str]) -> None:
    for option, name in named.items():
        if name not in source.rows:
            near = ", ".join(nearest_names(name, [*map(str, source.rows)]))
            raise DataError(f"the source has no column {name}; {option} may be {near}")


def _check_rows(table: pd.DataFrame, contract: Contract) -> None:
    """Check that the rows keep the contract that is drafted from them; an infinite number does not."""
    if len(violated := violations(table, contract)):
        advice = "fix these values in the source, or leave the column out of it; then run `make adopt` again"
        raise DataError(broken_rules("the source", violated, len(table), "nothing was changed", advice))


def _contract(target: TargetDraft, decisions: list[Decision]) -> Contract:
    from ruamel.yaml import YAML

    return Contract.model_validate(YAML(typ="safe", pure=True).load(contract_text("model", target.line, decisions, {})))


def _model(
    training: pd.DataFrame, contract: Contract, decisions: list[Decision], limit: float, ask: Ask
) -> tuple[list[Decision], Choice]:
    """Return the decisions, with columns left out that give the target away, and the model to start from."""
    columns, target = columns_of_table(training, contract), target_of_table(training, contract)
    report("looking for columns that give the target away")
    leaks = leaking_columns(columns, target, contract.task)
    decisions = [
        asked(Decision(one.name, "left out", None, leaks[one.name], "check", otherwise=one), ask)
        if one.name in leaks and one.role == "column"
        else one
        for one in decisions
    ]
    kept = {one.name for one in decisions if one.role in ("column", "time")}
    columns = {name: values for name, values in columns.items() if name in kept}
    if not columns:
        raise DataError("every column gives the target away, alone or as a sum; name another target")
    report("comparing models")
    groups = groups_of_table(training, contract)
    return decisions, choose_model(columns, target, contract.task, limit, times_of_table(training, contract), groups)


def _write(
    data: DataParams,
    table: pd.DataFrame,
    target: TargetDraft,
    decisions: list[Decision],
    choice: Choice,
    split: SplitChoice,
) -> None:
    """Write all files, contract.yaml last: until then the example's is there, and adopt can be called again."""
    contract = _contract(target, decisions)
    place = place_in_project(data.source)
    stem = Path(place).name.partition(".")[0]
    name = stem if data.query is None and re.fullmatch(r"[\w-]+", stem) else "model"
    text = contract_text(name, target.commented(), decisions, _examples(table, contract))
    project = read_project()
    data = data.model_copy(update={"source": place})
    params = read_text(paths.PARAMS, ParamsError)
    sections = {
        "data": source_settings(data),
        "split": split.settings,
        "metrics": {"main": main_metric(target_of_table(table, contract), contract.task)},
        "gate": gate_settings(choice, contract.task),
    }
    write_text(paths.PARAMS, params_text(params, sections, choice.candidate))
    Params.load()
    write_text(project.features, features_text())
    write_text(project.model, model_text(choice.candidate))
    write_text(Path("tests/test_features.py"), features_test_text(project.package))
    for example in Path("tests/model").glob("test_example_*.py"):
        example.unlink()
    remove_example_rows(place)
    empty_canvas()
    write_text(paths.CONTRACT, text)


def _examples(table: pd.DataFrame, contract: Contract) -> dict[str, Any]:
    """Return the values of the row with the fewest nulls, as JSON has them."""
    fullest = int(table[[*contract.columns]].isna().sum(axis=1).to_numpy().argmin())
    (row,) = rows_of_columns(columns_of_table(table.iloc[[fullest]], contract), contract)
    return {name: value for name, value in row.items() if value is not None}
