"""The verb `adopt`: replace the example by a table of the team's own, and print what was decided."""

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from cd4ml.adoption.decisions import Decision, decide, nearest_names
from cd4ml.adoption.leakage import leaking_columns
from cd4ml.adoption.model_choice import Choice, choose_model
from cd4ml.adoption.project_files import contract_text, features_test_text, features_text, model_text, params_text
from cd4ml.contract.columns import rows_of_columns
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import columns_of_table, target_of_table, times_of_table
from cd4ml.errors import DataError, UserError
from cd4ml.files.atomic import write_text
from cd4ml.pipeline.split import is_in_test_set
from cd4ml.settings import paths
from cd4ml.settings.params import DataParams, Params, SplitParams
from cd4ml.settings.project import read_project
from cd4ml.source.address import Address
from cd4ml.source.contract_values import contract_values, with_plain_numbers
from cd4ml.source.draft_contract import target_line
from cd4ml.source.read import read_source
from cd4ml.source.table_file import matching_files
from cd4ml.source.window import with_target
from cd4ml.terminal.arguments import Arguments
from cd4ml.terminal.output import align, report

_EXAMPLE = "These columns are the example's."  # a comment in contract.yaml as it is generated
_EXAMPLE_ROWS = Path("data/source")
_TEST_SHARE = 0.2
_FEWEST_TEST_ROWS = 200
_FEWEST_ROWS = 50


def main(argv: list[str]) -> None:
    """Write contract.yaml, params.yaml, features.py, model.py and a test for a table; remove the example's files.

    Raises:
        UserError: the table cannot be read, has no such target, or has too few rows; or contract.yaml is the team's.
    """
    arguments = Arguments("adopt")
    arguments.add_argument("data", help="a path, a folder, a glob, a URL, or a database")
    arguments.add_argument("--target", required=True, help="the column to predict")
    arguments.add_argument("--id", help="the column that names a row")
    arguments.add_argument("--time", help="the column that orders the rows")
    arguments.add_argument("--query", help="the SELECT, if the data is in a database")
    arguments.add_argument("--tune", type=float, default=30.0, help="seconds for the comparison of models (30)")
    options = arguments.parse_args(argv)
    _check_is_example()
    params = _data_params(options.data, options.query)
    as_read = read_source(params)
    source = with_plain_numbers(as_read, params)
    for option, name in (("TARGET", options.target), ("ID", options.id), ("TIME", options.time)):
        if name is not None and name not in source.rows:
            near = ", ".join(nearest_names(name, [*map(str, source.rows)]))
            raise DataError(f"the source has no column {name}; {option} may be {near}")
    labelled = source.rows[options.target].notna()
    if labelled.sum() < _FEWEST_ROWS:
        raise DataError(f"only {labelled.sum():,} rows have a value of {options.target}; a model needs {_FEWEST_ROWS}")
    decisions = decide(source, options.target, options.id, options.time)
    target = target_line(source.rows[options.target], source.typed)
    if not any(decision.role in ("column", "time") for decision in decisions):
        raise DataError(f"no column is left to predict {options.target} from: all others name a row or are left out")
    draft = _contract(target, decisions)
    table = with_target(contract_values(as_read, draft, params), draft).reset_index(drop=True)
    training, split, sides = _split(table, draft)
    decisions, choice = _model(training, draft, decisions, options.tune)
    contract = _contract(target, decisions)
    examples = _examples(table, contract)
    place = _place_in_project(options.data)
    stem = Path(place).name.partition(".")[0]
    name = stem if params.query is None and re.fullmatch(r"[\w-]+", stem) else "model"
    _write(contract_text(name, target, decisions, examples), place, options.query, choice, contract, split)
    _print(decisions, target, contract, choice, sides, int((~labelled).sum()))


def _check_is_example() -> None:
    if paths.CONTRACT.exists() and _EXAMPLE not in paths.CONTRACT.read_text(encoding="utf-8"):
        raise UserError(
            f"{paths.CONTRACT} is not the example's any more, and adopt would replace it; `make contract` shows the "
            f"columns that it leaves out. To start again: rm {paths.CONTRACT}, and call adopt"
        )


def _data_params(source: str, query: str | None) -> DataParams:
    """Return where the rows are, before a file from elsewhere is copied into the project.

    Raises:
        DataError: such a source is not supported, or lacks its query.
    """
    place = source if "://" in source else str(Path(source).expanduser())
    try:
        return DataParams.model_validate({"source": place, "query": query})
    except ValidationError as invalid:
        raise DataError(invalid.errors()[0]["msg"].removeprefix("Value error, ")) from None


def _place_in_project(data: str) -> str:
    """Return what `data.source` is to be: a file from elsewhere is copied into data/source first."""
    path = Path(data).expanduser()
    if "://" in data or (not path.is_absolute() and ".." not in path.parts):
        return data
    if not path.exists() or path.resolve().is_relative_to(Path.cwd()):
        return str(path.resolve().relative_to(Path.cwd())) if path.exists() else data
    copy = Path("data/source") / path.name
    copy.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shutil.copytree(path, copy, dirs_exist_ok=True)
    else:
        shutil.copy2(path, copy)
    report(f"copied {path} to {copy}")
    return str(copy)


def _contract(target: str, decisions: list[Decision]) -> Contract:
    from ruamel.yaml import YAML

    return Contract.model_validate(YAML(typ="safe", pure=True).load(contract_text("model", target, decisions, {})))


def _split(table: pd.DataFrame, contract: Contract) -> tuple[pd.DataFrame, dict[str, str], str]:
    """Return the rows that will be the training set, the values of `split:`, and both sides for a person."""
    fewest = max(10, min(_FEWEST_TEST_ROWS, int(len(table) * _TEST_SHARE / 2)))
    values: dict[str, float] = {"minimum_rows": fewest, "holdout_share": _TEST_SHARE}
    sides = "a fifth of the rows, by a hash"
    times = times_of_table(table, contract)
    if times is not None:
        days = times.astype("datetime64[D]")
        first = np.sort(days)[int(len(days) * (1 - _TEST_SHARE))]
        held = int((days.max() - first) / np.timedelta64(1, "D")) + 1
        values, sides = {"minimum_rows": fewest, "holdout_days": held}, f"the newest {held} days, from {first} on"
    in_test = is_in_test_set(table, contract, SplitParams.model_validate(values))
    sides += f": {in_test.sum():,} rows; training set: {(~in_test).sum():,} rows"
    return table[~in_test], {key: str(value) for key, value in values.items()}, sides


def _model(
    training: pd.DataFrame, contract: Contract, decisions: list[Decision], seconds: float
) -> tuple[list[Decision], Choice]:
    """Return the decisions, with columns left out that give the target away, and the model to start from."""
    columns, target = columns_of_table(training, contract), target_of_table(training, contract)
    report("looking for columns that give the target away")
    leaks = leaking_columns(columns, target, contract.task)
    if len(leaks) == len(columns):
        raise DataError("every column gives the target away, alone or as a sum; name another target")
    decisions = [
        Decision(one.name, "left out", None, leaks[one.name]) if one.name in leaks and one.role == "column" else one
        for one in decisions
    ]
    report("comparing models")
    kept = {name: values for name, values in columns.items() if name not in leaks}
    return decisions, choose_model(kept, target, contract.task, seconds)


def _examples(table: pd.DataFrame, contract: Contract) -> dict[str, Any]:
    """Return the values of the row with the fewest nulls, as JSON has them."""
    fullest = int(table[[*contract.columns]].isna().sum(axis=1).to_numpy().argmin())
    (row,) = rows_of_columns(columns_of_table(table.iloc[[fullest]], contract), contract)
    return {name: value for name, value in row.items() if value is not None}


def _write(
    contract: str, place: str, query: str | None, choice: Choice, parsed: Contract, split: dict[str, str]
) -> None:
    """Write all files, contract.yaml last: until then the example's is there, and adopt can be called again."""
    project = read_project()
    text = paths.PARAMS.read_text(encoding="utf-8")
    write_text(paths.PARAMS, params_text(text, place, query, choice, parsed.task, split))
    Params.load()
    write_text(project.features, features_text())
    write_text(project.model, model_text(choice.candidate))
    write_text(Path("tests/test_features.py"), features_test_text(project.package))
    for example in Path("tests/model").glob("test_example_*.py"):
        example.unlink()
    _remove_example_rows(place)
    write_text(paths.CONTRACT, contract)


def _remove_example_rows(place: str) -> None:
    """Remove the example's rows, unless they are the source, and the page about them."""
    address = Address.resolve(place)
    used = {path.resolve() for path in matching_files(address)} if address.kind == "files" else set()
    rows = [path for path in _EXAMPLE_ROWS.glob("2013-??.parquet") if path.resolve() not in used]
    about = _EXAMPLE_ROWS / "README.md"
    if rows and about.exists() and about.read_text(encoding="utf-8").startswith("# The example's rows"):
        for path in (*rows, about):
            path.unlink()


def _print(
    decisions: list[Decision], target: str, contract: Contract, choice: Choice, sides: str, without_target: int
) -> None:
    rows = [("column", "decision", "why")]
    rows.append((contract.target.name, "target", f"{contract.task}; {target.partition(' # ')[2]}".rstrip("; ")))
    for one in sorted(decisions, key=lambda decision: decision.role == "left out"):
        kind = f", {one.column.type}" if one.column is not None else ""
        rows.append((one.name, one.role + kind, one.reason))
    print(align(rows))
    if without_target:
        print(f"without a target, left out: {without_target:,} rows")
    print(f"test set: {sides}")
    print(f"model: {choice.candidate}, the best of {choice.compared}; {choice.quality} in cross-validation")
    print("next: read contract.yaml, then make train")
