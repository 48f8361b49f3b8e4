"""Gather the source's rows, up to a day and back to a window, into one raw table."""

from pathlib import Path

import numpy as np
import pandas as pd

from .. import paths
from ..contract import Contract
from ..errors import DataError
from ..params import DataParams, Params
from ..progress import report
from ..table import read, times_of_table, write


def keep_window(table: pd.DataFrame, contract: Contract, params: DataParams) -> pd.DataFrame:
    """Return the rows of the window that ends with `params.until`, in the order of time; all rows where nothing limits.

    A row whose time cannot be read is kept, so that validation finds it.

    Raises:
        DataError: a window is asked for and there is no time column, or no row lies in it.
    """
    times = times_of_table(table, contract) if contract.time in table else None
    if contract.time is None:
        if params.until is not None or params.window_days is not None:
            raise DataError("params.yaml: data.until and data.window_days need a time column; name it in contract.yaml")
        return table
    if times is None or np.isnat(times).all():
        return table  # validation says so, with everything else that is wrong
    days = times.astype("datetime64[D]")
    first, newest = np.nanmin(days), np.nanmax(days)
    last = np.datetime64(params.last_day) if params.last_day else newest
    kept = days <= last
    if params.window_days is not None:
        kept &= days > last - np.timedelta64(params.window_days, "D")
    if not kept.any():
        raise DataError(
            f"no row lies in the window that ends with {last}: the source holds {first} to {newest}; "
            "change data.until or data.window_days in params.yaml"
        )
    kept |= np.isnat(days)
    return table.iloc[np.flatnonzero(kept)[np.argsort(times[kept], kind="stable")]].reset_index(drop=True)


def read_source(source: str) -> pd.DataFrame:
    """Return all rows of the files that a path or a glob names, in the order of the files' names.

    Raises:
        DataError: there is no such file, or one cannot be read.
    """
    path = Path(source)
    files = sorted(path.parent.glob(path.name))
    if not files:
        raise DataError(f'params.yaml: data.source "{source}" matches no file; put the data there, or mend the path')
    report(f"reading {len(files)} file{'s' if len(files) > 1 else ''} of {source}")
    return pd.concat([read(file) for file in files], ignore_index=True)


def run() -> None:
    """Write data/raw.parquet: the contract's columns of the source's rows."""
    params, contract = Params.load().data, Contract.load(paths.CONTRACT)
    table = read_source(params.source)
    known = [name for name in contract.rules() if name in table]
    left_out = [name for name in table if name not in known]
    rows = keep_window(table[known], contract, params)
    write(rows, paths.RAW)
    report(f"{len(rows):,} of {len(table):,} rows kept{f', until {params.until}' if params.until else ''}")
    if left_out:
        report(f"not in the contract, left out: {', '.join(map(str, left_out))}")
