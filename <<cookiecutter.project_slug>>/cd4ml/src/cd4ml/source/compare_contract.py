"""Compare contract.yaml with the rows of a source: what is written there beside what the rows suggest."""

from cd4ml.contract.column import Column
from cd4ml.contract.contract import Contract
from cd4ml.contract.inference import InferredColumn, infer_column, unlisted_columns, yaml_string
from cd4ml.source.arrow_table import SourceTable
from cd4ml.terminal.output import align

_COMPARED = ("type", "nullable", "values", "format", "timezone")


def print_comparison(source: SourceTable, contract: Contract, left_out: str = "") -> None:
    """Print the columns about which contract.yaml and the rows differ, and those that contract.yaml does not list.

    Args:
        source: the rows.
        contract: what is written.
        left_out: text in which contract.yaml says what it leaves out: its columns are not listed again.
    """
    rows = differences(source, contract)
    if rows:
        print(align([("column", "contract.yaml", "the rows suggest"), *rows]))
    else:
        print("contract.yaml says about its columns what the rows suggest")
    columns = [
        column
        for column in unlisted_columns(source.rows, contract, source.typed)
        if f"#   {yaml_string(column.name)}: " not in left_out
    ]
    if columns:
        print("contract.yaml leaves out these columns of the source; to use one, add its line under columns:")
        print("\n".join(column.line() for column in columns))


def differences(source: SourceTable, contract: Contract) -> list[tuple[str, str, str]]:
    """Return a column's name, its rules in the contract, and those that its rows suggest, wherever they differ."""
    rows = []
    for name, written in contract.columns.items():
        if name not in source.rows:
            rows.append((name, _rules(written), "not in the source"))
            continue
        suggested = infer_column(source.rows[name], source.typed).column
        if _differ(written, suggested):
            rows.append((name, _rules(written), _rules(suggested)))
    return rows


def _differ(written: Column, suggested: Column) -> bool:
    if {written.type, suggested.type} == {"number", "integer"} and written.type != "integer":
        suggested = suggested.model_copy(update={"type": written.type})
    if written.values is not None and suggested.values is not None and {*suggested.values} <= {*written.values}:
        suggested = suggested.model_copy(update={"values": written.values})
    if written.values is None:
        suggested = suggested.model_copy(update={"values": None})
    if written.nullable:  # a person may expect nulls that are not there yet
        suggested = suggested.model_copy(update={"nullable": True})
    return any(getattr(written, key) != getattr(suggested, key) for key in _COMPARED)


def _rules(column: Column) -> str:
    shown = column.model_copy(update={"example": None, "description": None, "unit": None})
    return InferredColumn("", shown).line().partition(": ")[2]
