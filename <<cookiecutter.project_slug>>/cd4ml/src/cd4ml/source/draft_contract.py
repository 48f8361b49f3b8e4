"""The verb `contract`: a first contract.yaml from the source's own columns; later, what it does not name yet."""

import pandas as pd

from cd4ml.contract.contract import Contract
from cd4ml.contract.inference import Inferred, infer, missing_columns, yaml_text
from cd4ml.errors import DataError
from cd4ml.files.atomic import write_text
from cd4ml.settings import paths
from cd4ml.settings.params import Params
from cd4ml.source.read import read_source
from cd4ml.terminal.arguments import Arguments

_TARGETS = {"boolean": "boolean", "category": "category", "number": "number", "integer": "number"}


def main(argv: list[str]) -> None:
    """Write contract.yaml where there is none; else show the lines of columns that it leaves out, and change nothing.

    Raises:
        DataError: the source cannot be read, or has no such target.
    """
    arguments = Arguments("contract")
    arguments.add_argument("--target", help="the column to predict, for a first contract")
    target = arguments.parse_args(argv).target
    data = Params.load().data
    table = read_source(data, data.first_day, data.last_day)
    if paths.CONTRACT.exists():
        _show_left_out(missing_columns(table, Contract.load(paths.CONTRACT)))
        return
    write_text(paths.CONTRACT, first_contract(table, target))
    print(
        f"wrote {paths.CONTRACT}, from {len(table):,} rows: read it, name id and time if there are any, then make train"
    )


def first_contract(table: pd.DataFrame, target: str | None) -> str:
    """Return the text of a contract for a table.

    Raises:
        DataError: no target is named, or the table has no such column, or none that can be predicted.
    """
    if target is None or target not in table:
        asked = f"the source has no column {target}" if target else "name the column to predict"
        raise DataError(f"{asked}: make contract TARGET=one of {', '.join(map(str, table))}")
    kind = infer(table[target]).column.type
    if kind not in _TARGETS:
        raise DataError(f"{target} is a {kind}, which no model here predicts; name a number, a category or a boolean")
    columns = [infer(table[name]).line() for name in table if name != target]
    return "\n".join(
        [
            "# What a row looks like. A first draft from the source: docs/connect-your-data.md explains every key.",
            "name: model",
            f"target: {{name: {yaml_text(target)}, type: {_TARGETS[kind]}}}",
            "columns:",
            *columns,
        ]
    )


def _show_left_out(left_out: list[Inferred]) -> None:
    if not left_out:
        print(f"{paths.CONTRACT} names every column of the source")
        return
    print(f"{paths.CONTRACT} leaves these columns of the source out; to use one, put its line under columns:")
    for found in left_out:
        print(found.line())
