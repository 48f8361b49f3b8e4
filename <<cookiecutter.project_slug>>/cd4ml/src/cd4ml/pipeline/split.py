"""Split the table into a training set and a test set."""

import numpy as np
import pandas as pd

from cd4ml.contract.columns import Array
from cd4ml.contract.contract import Contract
from cd4ml.contract.row_key import ROW_KEY, positions
from cd4ml.contract.table import read_table, times_of_table, write_table
from cd4ml.errors import DataError
from cd4ml.settings import paths
from cd4ml.settings.params import Params, SplitParams
from cd4ml.terminal.output import report


def split(table: pd.DataFrame, contract: Contract, params: SplitParams) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return `(train, test)`.

    If the contract names a time column, the test set is the newest `holdout_days` whole days. Else the hash of each
    row's id, or of its values in the source, decides: a row of the test set stays in it as the table grows, and
    whatever is added to the contract.

    Raises:
        DataError: one of both would have fewer than `minimum_rows` rows.
    """
    in_test = is_in_test_set(table, contract, params)
    train, test = table[~in_test].reset_index(drop=True), table[in_test].reset_index(drop=True)
    key = "holdout_share" if contract.time is None else "holdout_days"
    for name, rows in (("training", train), ("test", test)):
        if len(rows) < params.minimum_rows:
            raise DataError(
                f"the {name} set has only {len(rows):,} of {len(table):,} rows, fewer than split.minimum_rows "
                f"({params.minimum_rows:,}); change split.{key} or split.minimum_rows in params.yaml, or add data"
            )
    return train, test


def is_in_test_set(table: pd.DataFrame, contract: Contract, params: SplitParams) -> Array:
    """Return which rows of the raw table are in the test set, shape `(rows,)`."""
    times = times_of_table(table, contract)
    if times is None:
        return positions(table[ROW_KEY]) < params.holdout_share
    days = times.astype("datetime64[D]")
    return np.asarray(days > days.max() - np.timedelta64(params.holdout_days, "D"))


def run() -> None:
    """Write data/train.parquet and data/holdout.parquet."""
    contract = Contract.load(paths.CONTRACT)
    train, test = split(read_table(paths.RAW), contract, Params.load().split)
    write_table(train, paths.TRAIN)
    write_table(test, paths.HOLDOUT)
    choice = "chosen by a hash"
    if contract.time is not None:
        first, last = test[contract.time].min(), test[contract.time].max()
        choice = f"from {pd.Timestamp(first):%d %b %Y} to {pd.Timestamp(last):%d %b %Y}"
    report(f"training set: {len(train):,} rows; test set: {len(test):,} rows, {choice}")
