"""The verb `contract`: draft contract.yaml from the source's columns, or compare it with them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cd4ml.contract.contract import Contract
from cd4ml.contract.inference import infer_column, yaml_string
from cd4ml.contract.table import as_strings
from cd4ml.errors import DataError
from cd4ml.files.atomic import write_text
from cd4ml.settings import paths
from cd4ml.settings.params import Params
from cd4ml.source.arrow_table import SourceTable
from cd4ml.source.compare_contract import print_comparison
from cd4ml.source.contract_values import with_plain_numbers
from cd4ml.source.read import read_source
from cd4ml.terminal.arguments import Arguments

_FEW_INTEGERS = 10  # different values of a target that may be classes
_MOST_CLASSES = 100
_FEWEST_OF_A_CLASS = 10  # rows
_TARGET_TYPES = {"boolean": "boolean", "category": "category", "number": "number", "integer": "number"}


@dataclass(frozen=True)
class TargetDraft:
    """What the target may be."""

    line: str
    """Its line in contract.yaml, without a comment."""
    meaning: str
    """What a model then predicts, for a person."""
    remark: str = ""
    """What else it may be; empty if nothing."""

    def commented(self) -> str:
        """Return the line with the remark as its comment."""
        return f"{self.line} # {self.remark}" if self.remark else self.line


def main(argv: list[str]) -> None:
    """Write contract.yaml if it does not exist; else print where the rows suggest something else than it says.

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
        print_comparison(source, Contract.load(paths.CONTRACT))
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
            target_drafts(table[target], typed)[0].commented(),
            "columns:",
            *columns,
        ]
    )


def target_drafts(series: pd.Series, typed: bool) -> list[TargetDraft]:
    """Return what a column may be as the target, the likeliest first.

    Any two values make it a boolean, whose true is the rarer one of them. A few integers are numbers if one of them is
    the most frequent and the others are the rarer the farther they are from it, and classes if not.

    Raises:
        DataError: no model can predict it.
    """
    name, kind = yaml_string(str(series.name)), infer_column(series, typed).column.type
    counts = as_strings(series).dropna().value_counts()
    if len(counts) == 2 and kind != "boolean" and set(counts.index) != {"0", "1"}:
        return [_two_values(name, *pair) for pair in (counts.index[::-1], counts.index)]
    if len(counts) == 2:
        kind = "boolean"
    if kind not in _TARGET_TYPES:
        raise DataError(f"{series.name} is a {kind}; expected a number, a category or a boolean as the target")
    if kind == "category" and len(counts) > _MOST_CLASSES:
        raise DataError(
            f'{series.name} has {len(counts):,} different texts, such as "{counts.index[0]}", too many for classes; if '
            "they are numbers, see data.csv in params.yaml; else name another target"
        )
    line = f"target: {{name: {name}, type: TYPE}}"
    if kind == "integer" and len(counts) <= _FEW_INTEGERS:
        number = TargetDraft(line.replace("TYPE", "number"), "a number", "or category, for classes")
        classes = TargetDraft(line.replace("TYPE", "category"), f"one of {len(counts)} classes", "or number")
        return [number, classes] if _has_one_peak(counts) or counts.min() < _FEWEST_OF_A_CLASS else [classes, number]
    meaning = {"boolean": "true or false", "category": f"one of {len(counts)} classes"}.get(kind, "a number")
    return [TargetDraft(line.replace("TYPE", _TARGET_TYPES[kind]), meaning)]


def _two_values(name: str, positive: str, negative: str) -> TargetDraft:
    words = f"positive: {yaml_string(positive)}, negative: {yaml_string(negative)}"
    line = f"target: {{name: {name}, type: boolean, {words}}}"
    return TargetDraft(line, f"the probability of {positive}", f"true is {positive}; exchange them if not")


def _has_one_peak(counts: pd.Series) -> bool:
    """Return whether the counts of integers rise up to one of them and fall from there on."""
    steps = np.sign(np.diff(counts.sort_index(key=lambda texts: texts.astype(int)).to_numpy()))
    turns = steps[steps != 0]
    return bool((np.diff(turns) <= 0).all())
