"""Choose the rows of the window that params.yaml asks for, each row once."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cd4ml.contract.contract import Contract
from cd4ml.contract.table import times_of_table
from cd4ml.errors import DataError
from cd4ml.settings.params import DataParams
from cd4ml.terminal.output import report


@dataclass(frozen=True)
class Selection:
    """The rows to learn from, and how many others the source holds."""

    rows: pd.DataFrame
    newer: int
    """Rows after the last day to use."""
    older: int
    """Rows before the window."""
    repeated: int
    """Rows that repeat another in every column, where the contract names an id."""

    def __str__(self) -> str:
        left_out = {"after the last day": self.newer, "before the window": self.older, "repeated": self.repeated}
        others = ", ".join(f"{count:,} {why}" for why, count in left_out.items() if count)
        return f"{len(self.rows):,} rows" + (f"; left out: {others}" if others else "")


def select_rows(table: pd.DataFrame, contract: Contract, params: DataParams) -> Selection:
    """Return the rows of the window that ends with `params.until`, each once, in the order of time.

    A row is a repetition when an earlier one has its id and is the same in every column of the contract. Rows that
    share an id and differ are kept, so that validation finds them. So is a row whose time cannot be read.

    Raises:
        DataError: a window is asked for and there is no time column, or no row lies in it.
    """
    newer, older = _outside_window(table, contract, params)
    inside = table[~(newer | older)]
    rows = inside[~_repeats(inside, contract)]
    times = times_of_table(rows, contract) if contract.time in rows else None
    if times is not None:
        rows = rows.iloc[np.argsort(times, kind="stable")]
    return Selection(rows.reset_index(drop=True), int(newer.sum()), int(older.sum()), len(inside) - len(rows))


def _outside_window(table: pd.DataFrame, contract: Contract, params: DataParams) -> tuple[np.ndarray, np.ndarray]:
    """Return which rows are too new, and which too old; shape `(rows,)` each."""
    none = np.zeros(len(table), dtype=bool)
    if contract.time is None and (params.until is not None or params.window_days is not None):
        raise DataError("params.yaml: data.until and data.window_days need a time column; name it in contract.yaml")
    times = times_of_table(table, contract) if contract.time in table else None
    if times is None or np.isnat(times).all():
        return none, none  # validation says so, with everything else that is wrong
    days = times.astype("datetime64[D]")
    first, newest = np.nanmin(days), np.nanmax(days)
    last = np.datetime64(params.last_day) if params.last_day else newest
    newer, older = days > last, none
    if params.window_days is not None:
        older = days <= last - np.timedelta64(params.window_days, "D")
    if (newer | older | np.isnat(days)).all():
        raise DataError(
            f"no row lies in the window that ends with {last}: the source holds {first} to {newest}; "
            "change data.until or data.window_days in params.yaml"
        )
    return newer, older


def _repeats(table: pd.DataFrame, contract: Contract) -> np.ndarray:
    repeats = np.zeros(len(table), dtype=bool)
    if contract.id in table:
        shared = np.flatnonzero(table[contract.id].duplicated(keep=False) & table[contract.id].notna())
        repeats[shared] = table.iloc[shared].astype(str).duplicated()
    return repeats


def select_columns(table: pd.DataFrame, contract: Contract) -> tuple[pd.DataFrame, list[str]]:
    """Return a source's columns that the contract names, in the contract's order, and the names of the others."""
    known = [name for name in contract.rules() if name in table]
    return table[known], [str(name) for name in table if name not in known]


def report_unused_columns(names: Iterable[str]) -> None:
    """Say which columns of the source the contract does not name."""
    if shown := ", ".join(names):
        report(f"not in the contract, left out: {shown}")
