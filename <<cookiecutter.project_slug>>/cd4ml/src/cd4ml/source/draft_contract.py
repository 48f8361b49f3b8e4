"""The verb `contract`: draft contract.yaml from the source's columns, or show the columns that it leaves out."""

import pandas as pd

from cd4ml.contract.contract import Contract
from cd4ml.contract.inference import InferredColumn, infer_column, unlisted_columns, yaml_string
from cd4ml.contract.table import as_strings
from cd4ml.errors import DataError
from cd4ml.files.atomic import write_text
from cd4ml.settings import paths
from cd4ml.settings.params import Params
from cd4ml.source.arrow_table import SourceTable
from cd4ml.source.contract_values import with_plain_numbers
from cd4ml.source.read import read_source
from cd4ml.terminal.arguments import Arguments

_FEW_INTEGERS = 10  # different values of a target that may be classes
_MOST_CLASSES = 100
_TARGET_TYPES = {"boolean": "boolean", "category": "category", "number": "number", "integer": "number"}


def main(argv: list[str]) -> None:
    """Write contract.yaml if it does not exist; else print a line for each column that it leaves out.

    Raises:
        DataError: the source cannot be read, or has no such target.
    """
    arguments = Arguments("contract")
    arguments.add_argument("--target", help="the column to predict, if contract.yaml does not exist yet")
    target = arguments.parse_args(argv).target
    data = Params.load().data
    source = with_plain_numbers(read_source(data, data.first_day, data.last_day), data)
    if paths.CONTRACT.exists():
        if target is not None:
            print(f"{paths.CONTRACT} exists, so no new one is drafted; to draft one for {target}: rm {paths.CONTRACT}")
        _print_unlisted(unlisted_columns(source.rows, Contract.load(paths.CONTRACT), source.typed))
        return
    write_text(paths.CONTRACT, draft_contract(source, target))
    print(
        f"wrote {paths.CONTRACT} from {len(source.rows):,} rows; "
        "next: read it, name the id and the time if there are any, then make train"
    )


def draft_contract(source: SourceTable, target: str | None) -> str:
    """Return the text of a contract for the rows of a source.

    Raises:
        DataError: no target is given, or the table has no such column, or no model can predict it.
    """
    table, typed = source.rows, source.typed
    if target is None or target not in table:
        problem = f"the source has no column {target}" if target else "name the column to predict"
        raise DataError(f"{problem}: make contract TARGET=one of {', '.join(map(str, table))}")
    columns = [infer_column(table[name], typed).line() for name in table if name != target]
    return "\n".join(
        [
            "# What a row looks like, drafted from the source. docs/connect-your-data.md explains every key.",
            "name: model",
            target_line(table[target], typed),
            "columns:",
            *columns,
        ]
    )


def target_line(series: pd.Series, typed: bool) -> str:
    """Return the line of the target. Any two values make it a boolean, whose true is the rarer one of them.

    Raises:
        DataError: no model can predict it.
    """
    name, kind = yaml_string(str(series.name)), infer_column(series, typed).column.type
    counts = as_strings(series).dropna().value_counts()
    if len(counts) == 2 and kind != "boolean" and set(counts.index) != {"0", "1"}:
        negative, positive = counts.index
        words = f"positive: {yaml_string(positive)}, negative: {yaml_string(negative)}"
        return f"target: {{name: {name}, type: boolean, {words}}} # true is {positive}; exchange them if not"
    if len(counts) == 2:
        kind = "boolean"
    if kind not in _TARGET_TYPES:
        raise DataError(f"{series.name} is a {kind}; expected a number, a category or a boolean as the target")
    if kind == "category" and len(counts) > _MOST_CLASSES:
        raise DataError(
            f'{series.name} has {len(counts):,} different texts, such as "{counts.index[0]}", too many for classes; if '
            "they are numbers, see data.csv in params.yaml; else name another target"
        )
    few = kind == "integer" and len(counts) <= _FEW_INTEGERS
    return f"target: {{name: {name}, type: {_TARGET_TYPES[kind]}}}" + (" # or category, for classes" if few else "")


def _print_unlisted(columns: list[InferredColumn]) -> None:
    if not columns:
        print(f"{paths.CONTRACT} lists every column of the source")
        return
    print(f"{paths.CONTRACT} leaves out these columns of the source; to use one, add its line under columns:")
    for column in columns:
        print(column.line())
