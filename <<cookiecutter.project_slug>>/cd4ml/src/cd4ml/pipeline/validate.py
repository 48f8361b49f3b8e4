"""Validate the raw table against the contract; stop with a table of the violations."""

import hashlib
import json

import pandas as pd

from cd4ml.contract.contract import Contract
from cd4ml.contract.table import read_table
from cd4ml.contract.validation import violations
from cd4ml.errors import DataError
from cd4ml.files.atomic import write_text
from cd4ml.settings import paths
from cd4ml.terminal.output import align, report


def run() -> None:
    """Write data/validated.json, a receipt that names what was validated against what.

    Raises:
        DataError: the table breaks the contract.
    """
    contract, raw = Contract.load(paths.CONTRACT), read_table(paths.RAW)
    if raw.empty:
        raise DataError(f"{paths.RAW} has no rows; look at data.source and data.until in params.yaml")
    broken = violations(raw, contract)
    if len(broken):
        raise DataError(_refusal(broken, len(raw)))
    receipt = {
        "rows": len(raw),
        "columns": len(contract.table_columns()),
        "raw": hashlib.sha256(paths.RAW.read_bytes()).hexdigest(),
        "contract": hashlib.sha256(contract.to_json().encode()).hexdigest(),
    }
    write_text(paths.VALIDATED, json.dumps(receipt, indent=1))
    report(f"{len(raw):,} rows keep the contract's {receipt['columns']} columns")


def _refusal(broken: pd.DataFrame, rows: int) -> str:
    header = ("column", "rule", "rows", "for example")
    lines = [(str(row.column), str(row.rule), f"{row.rows:,}", str(row.examples)) for row in broken.itertuples()]
    count = f"{len(lines)} rule{'s' if len(lines) > 1 else ''} broken in {rows:,} rows"
    shown = "\n".join(f"  {line}" for line in align([header, *lines]).splitlines())
    return (
        f"contract: {count}; nothing that is released was changed\n{shown}\n"
        "  next: mend the source, or widen contract.yaml, and run `make train` again; `make undo` goes back"
    )
