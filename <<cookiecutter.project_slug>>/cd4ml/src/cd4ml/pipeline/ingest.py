"""Gather the source's rows, up to a day and back to a window, into one raw table."""

import os
from pathlib import Path

from cd4ml.contract.contract import Contract
from cd4ml.contract.table import read, write
from cd4ml.settings import paths
from cd4ml.settings.params import Params
from cd4ml.source.read import JUST_READ, read_source
from cd4ml.source.window import columns_of_contract, gather, report_left_out
from cd4ml.terminal.output import report


def run() -> None:
    """Write data/raw.parquet: the contract's columns of the source's rows."""
    params, contract = Params.load().data, Contract.load(paths.CONTRACT)
    just_read = os.environ.get(JUST_READ)
    found = read(Path(just_read)) if just_read else read_source(params, params.first_day, params.last_day)
    table, left_out = columns_of_contract(found, contract)
    gathered = gather(table, contract, params)
    write(gathered.rows, paths.RAW)
    report(f"{gathered}{f'; until {params.until}' if params.until else ''}")
    report_left_out(left_out)
