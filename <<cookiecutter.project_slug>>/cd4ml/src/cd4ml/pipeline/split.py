"""Split the table into rows to learn from and rows to be judged on."""

import hashlib

import numpy as np
import pandas as pd

from cd4ml.contract.columns import Array
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import read_table, times_of_table, write_table
from cd4ml.errors import DataError
from cd4ml.settings import paths
from cd4ml.settings.params import Params, SplitParams
from cd4ml.terminal.output import report


def split(table: pd.DataFrame, contract: Contract, params: SplitParams) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return `(train, holdout)`.

    The holdout is the newest `holdout_days` whole days when the contract names a time column; else each row goes by
    a hash of its id, or of all its values, so that a row held out once stays held out as the table grows.

    Raises:
        DataError: either side would have fewer than `minimum_rows` rows.
    """
    times = times_of_table(table, contract)
    held = _by_hash(table, contract, params) if times is None else _newest(times, params)
    train, holdout = table[~held].reset_index(drop=True), table[held].reset_index(drop=True)
    key = "holdout_share" if times is None else "holdout_days"
    for name, side in (("train on", train), ("hold out", holdout)):
        if len(side) < params.minimum_rows:
            raise DataError(
                f"only {len(side):,} of {len(table):,} rows to {name}, fewer than split.minimum_rows "
                f"({params.minimum_rows:,}); change split.{key} in params.yaml, or bring more data"
            )
    return train, holdout


def _newest(times: Array, params: SplitParams) -> Array:
    days = times.astype("datetime64[D]")
    return np.asarray(days > days.max() - np.timedelta64(params.holdout_days, "D"))


def _by_hash(table: pd.DataFrame, contract: Contract, params: SplitParams) -> Array:
    keys = table[[contract.id]] if contract.id is not None else table[sorted(contract.table_columns())]
    rows = zip(*(keys[name].astype(object) for name in keys), strict=True)
    digests = (hashlib.blake2b(repr(row).encode(), digest_size=8).digest() for row in rows)
    share = np.array([int.from_bytes(digest) for digest in digests], dtype=np.float64) / 2**64
    return share < params.holdout_share


def run() -> None:
    """Write data/train.parquet and data/holdout.parquet."""
    contract = Contract.load(paths.CONTRACT)
    train, holdout = split(read_table(paths.RAW), contract, Params.load().split)
    write_table(train, paths.TRAIN)
    write_table(holdout, paths.HOLDOUT)
    where = "picked by a hash"
    if contract.time is not None:
        first, last = holdout[contract.time].min(), holdout[contract.time].max()
        where = f"from {pd.Timestamp(first):%d %b %Y} to {pd.Timestamp(last):%d %b %Y}"
    report(f"{len(train):,} rows to train on, {len(holdout):,} held out, {where}")
