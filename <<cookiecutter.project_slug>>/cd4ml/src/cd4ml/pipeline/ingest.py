"""Write the source's rows, up to `data.until` and from the start of the window on, into one raw table."""

import os
from pathlib import Path

from cd4ml.contract.contract import Contract
from cd4ml.contract.table import read_table, write_table
from cd4ml.settings import paths
from cd4ml.settings.params import Params
from cd4ml.source.arrow_table import SourceTable
from cd4ml.source.contract_values import contract_values
from cd4ml.source.read import TABLE_FROM_REFRESH, read_source
from cd4ml.source.window import report_unused_columns, select_rows
from cd4ml.terminal.output import report


def run() -> None:
    """Write data/raw.parquet: the contract's columns of the source's rows, in the contract's types."""
    params, contract = Params.load().data, Contract.load(paths.CONTRACT)
    from_refresh = os.environ.get(TABLE_FROM_REFRESH)
    source = (
        SourceTable(read_table(Path(from_refresh)))
        if from_refresh
        else read_source(params, params.first_day, params.last_day)
    )
    selection = select_rows(contract_values(source, contract, params), contract, params)
    write_table(selection.rows, paths.RAW)
    report(f"{selection}{f'; until {params.until}' if params.until else ''}")
    report_unused_columns(source, contract)
