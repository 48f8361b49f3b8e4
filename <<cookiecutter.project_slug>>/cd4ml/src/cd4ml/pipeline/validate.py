"""Validate the raw table against the contract; stop with a table of the violations."""

import json

import pandas as pd

from cd4ml.contract.contract import Contract
from cd4ml.contract.receipt import receipt_digests
from cd4ml.contract.table import read_table
from cd4ml.contract.validation import violations
from cd4ml.errors import DataError
from cd4ml.files.atomic import write_text
from cd4ml.settings import paths
from cd4ml.terminal.output import align, report


def run() -> None:
    """Write data/validated.json, which records the digests of the table and the contract that match.

    Raises:
        DataError: the table violates the contract.
    """
    contract, raw = Contract.load(paths.CONTRACT), read_table(paths.RAW)
    if raw.empty:
        raise DataError(f"{paths.RAW} has no rows; check data.source and data.until in params.yaml")
    violated = violations(raw, contract)
    if len(violated):
        raise DataError(
            broken_rules(
                str(paths.CONTRACT),
                violated,
                len(raw),
                "the bundle and the reports were not changed",
                f"fix the source and run `make refresh`, or extend {paths.CONTRACT} and run `make train`; "
                "`make undo` goes back",
            )
        )
    receipt = {
        "rows": len(raw),
        "columns": len(contract.table_columns()),
    } | receipt_digests(contract)
    write_text(paths.VALIDATED, json.dumps(receipt, indent=1))
    report(f"{len(raw):,} rows match the contract's {receipt['columns']} columns")


def broken_rules(place: str, violated: pd.DataFrame, rows: int, unchanged: str, advice: str) -> str:
    """Return the message about a table that violates its contract, with a line for each column and rule.

    Args:
        place: what the message begins with.
        violated: the rules, as `violations` returns them.
        rows: how many the table has.
        unchanged: what stayed as it was.
        advice: what to do next.
    """
    header = ("column", "rule", "rows", "examples")
    cells = [(str(row.column), str(row.rule), f"{row.rows:,}", str(row.examples)) for row in violated.itertuples()]
    count = f"{len(cells)} rule{'s' if len(cells) > 1 else ''} violated in {rows:,} rows"
    table = "\n".join(f"  {line}" for line in align([header, *cells]).splitlines())
    return f"{place}: {count}; {unchanged}\n{table}\n  next: {advice}"
