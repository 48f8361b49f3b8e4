"""The times of rows, and the calendar months of a table: those that train the first model, and those to replay."""

from datetime import date, timedelta

import numpy as np
import pandas as pd

from cd4ml.contract.columns import Array
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import times_of_table
from cd4ml.errors import UserError
from cd4ml.monitoring.periods import Period
from cd4ml.settings import paths

DAY = timedelta(days=1)


def times_of(table: pd.DataFrame, contract: Contract) -> Array:
    """Return each row's time, shape `(rows,)`, datetime64[us].

    Raises:
        UserError: the contract names no time.
    """
    times = times_of_table(table, contract)
    if times is None:
        raise UserError(
            f"{paths.CONTRACT} names no time, and a replay needs one to know when a row came: write time: COLUMN"
        )
    return times


def split_months(times: Array, first: int) -> tuple[Period, list[Period]]:
    """Return the period of the first months, and each later month that has rows, the oldest first.

    Args:
        times: of the rows, shape `(rows,)`.
        first: how many months train the first model.

    Raises:
        UserError: there are no more months than these.
    """
    found = np.unique(times[~np.isnat(times)].astype("datetime64[M]"))
    if len(found) <= first:
        raise UserError(
            f"the source has rows of {len(found)} calendar months; a replay needs {first} to train the first model "
            "(--train-months), and at least one more"
        )
    months = [_month(month) for month in found.tolist()]
    return Period(months[0].first, months[first - 1].last), months[first:]


def _month(first: date) -> Period:
    return Period(first, (first + 31 * DAY).replace(day=1) - DAY)


def name_of(month: Period) -> str:
    """Return a month's name, such as 2013-04."""
    return f"{month.first:%Y-%m}"
