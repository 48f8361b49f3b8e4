"""Select the rows of the days that params.yaml asks for, each row once."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cd4ml.contract.contract import Contract
from cd4ml.contract.row_key import ROW_KEY
from cd4ml.contract.table import times_of_table
from cd4ml.errors import DataError
from cd4ml.settings.params import DataParams
from cd4ml.source.arrow_table import SourceTable
from cd4ml.terminal.output import report


@dataclass(frozen=True)
class Selection:
    """The rows to use, and the number of those that are left out."""

    rows: pd.DataFrame
    newer: int
    """Rows after the last day to use."""
    older: int
    """Rows before the window."""
    repeated: int
    """Rows that equal an earlier one in every column, if the contract names an id."""
    without_target: int
    """Rows whose outcome is not known (yet)."""

    def __str__(self) -> str:
        left_out = {
            "after the last day": self.newer,
            "before the window": self.older,
            "repeated": self.repeated,
            "without a target": self.without_target,
        }
        others = ", ".join(f"{count:,} {reason}" for reason, count in left_out.items() if count)
        return f"{len(self.rows):,} rows" + (f"; left out: {others}" if others else "")


def select_rows(table: pd.DataFrame, contract: Contract, params: DataParams) -> Selection:
    """Return the rows of the window that ends with `params.until`, each once, in the order of time.

    A row is repeated if an earlier one has the same id and the same value in every column of the contract. Rows with
    the same id and different values are kept, so that validation reports them; so is a row whose time is not valid.
    A row without a target is left out: its outcome may not be known yet.

    Raises:
        DataError: a window is set and the contract names no time, no row is in the window, or none has a target.
    """
    newer, older = _outside_window(table, contract, params)
    inside = table[~(newer | older)]
    labelled = with_target(inside, contract)
    if labelled.empty and not inside.empty:
        raise DataError(f"no row of the source has a value of {contract.target.name}, the target in contract.yaml")
    rows = labelled[~_repeated(labelled, contract)]
    times = times_of_table(rows, contract) if contract.time in rows else None
    if times is not None:
        rows = rows.iloc[np.argsort(times, kind="stable")]
    repeated, without_target = len(labelled) - len(rows), len(inside) - len(labelled)
    return Selection(rows.reset_index(drop=True), int(newer.sum()), int(older.sum()), repeated, without_target)


def with_target(table: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """Return the rows that have a target; all rows if the table has no such column, which validation reports."""
    return table[table[contract.target.name].notna()] if contract.target.name in table else table


def _outside_window(table: pd.DataFrame, contract: Contract, params: DataParams) -> tuple[np.ndarray, np.ndarray]:
    """Return which rows are after the window, and which before it; shape `(rows,)` each."""
    none = np.zeros(len(table), dtype=bool)
    if contract.time is None and (params.until is not None or params.window_days is not None):
        raise DataError(
            "params.yaml: data.until and data.window_days need a time column; name it in contract.yaml, or write null "
            "for both"
        )
    times = times_of_table(table, contract) if contract.time in table else None
    if times is None or np.isnat(times).all():
        return none, none  # validation reports this, with every other violation
    days = times.astype("datetime64[D]")
    first, newest = np.nanmin(days), np.nanmax(days)
    last = np.datetime64(params.last_day) if params.last_day else newest
    newer, older = days > last, none
    if params.window_days is not None:
        older = days <= last - np.timedelta64(params.window_days, "D")
    if (newer | older | np.isnat(days)).all():
        raise DataError(
            f"no row is in the window that ends with {last}: the source has the days {first} to {newest}; "
            "change data.until or data.window_days in params.yaml"
        )
    return newer, older


def _repeated(table: pd.DataFrame, contract: Contract) -> np.ndarray:
    """Return which rows repeat an earlier one, shape `(rows,)`; none if the contract names no id."""
    repeated = np.zeros(len(table), dtype=bool)
    if contract.id in table:
        same_id = np.flatnonzero(table[contract.id].duplicated(keep=False) & table[contract.id].notna())
        repeated[same_id] = table.iloc[same_id].astype(str).duplicated()
    return repeated


def report_unused_columns(source: SourceTable, contract: Contract) -> None:
    """Report the columns of the source that the contract does not name, if there are any."""
    names = [*map(str, source.rows), *source.unusable]
    if listed := ", ".join(name for name in names if name not in contract.table_columns() and name != ROW_KEY):
        report(f"not in the contract, left out: {listed}")
