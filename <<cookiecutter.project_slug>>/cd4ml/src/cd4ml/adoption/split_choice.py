"""Choose how many rows become the test set, and say from what that follows."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cd4ml.adoption.setting import Setting
from cd4ml.contract.columns import Array
from cd4ml.contract.contract import Contract
from cd4ml.contract.split_rule import read_split_rule
from cd4ml.contract.table import times_of_table
from cd4ml.errors import DataError
from cd4ml.settings.params import SplitParams

_SHARE = 0.2
_FEWEST_ROWS = 200


@dataclass(frozen=True)
class SplitChoice:
    """The test set of a table."""

    settings: dict[str, Setting]
    """The values of `split:` in params.yaml."""
    in_test: Array
    """Which rows are in the test set, shape `(rows,)`."""
    summary: str
    """Both sides, for a person."""


def choose_split(table: pd.DataFrame, contract: Contract) -> SplitChoice:
    """Return the test set: the newest days with a fifth of the rows, or a fifth of the rows by a hash.

    The team's split.py decides if there is one.

    Raises:
        DataError: the newest days are nearly all rows, or too few.
    """
    times = times_of_table(table, contract)
    if times is None:
        settings = {"holdout_share": Setting(_SHARE)}
        what = f"a fifth of the values of {contract.group}" if contract.group else "a fifth of the rows"
        sides = f"{what}, by a hash"
    else:
        first, held = _newest_days(times)
        settings = {"holdout_days": Setting(held, f"the newest days: a fifth of {len(table):,} rows")}
        sides = f"the newest {held} days, from {first} on"
    fewest = _fewest_rows(len(table))
    rule = read_split_rule(contract, SplitParams.model_validate({key: one.value for key, one in settings.items()}))
    if rule.is_of_team:
        sides = f"by {rule.setting}"
    in_test = rule.in_test_set(table)
    if times is not None and not rule.is_of_team and not divides(times):
        raise DataError(
            f"{contract.time} puts {in_test.sum():,} of {len(table):,} rows into the test set; leave TIME out, or name "
            "another one"
        )
    why = f"in the training set and in the test set; a tenth of {len(table):,} rows, from 10 to {_FEWEST_ROWS}"
    settings["minimum_rows"] = Setting(fewest, why)
    summary = f"{sides}: {in_test.sum():,} rows; training set: {(~in_test).sum():,} rows"
    return SplitChoice(settings, in_test, summary)


def divides(times: Array) -> bool:
    """Return whether the training set and the test set have enough rows if the newest days are the test set."""
    held = int((times.astype("datetime64[D]") >= _newest_days(times)[0]).sum())
    return min(held, len(times) - held) >= _fewest_rows(len(times))


def _newest_days(times: Array) -> tuple[np.datetime64, int]:
    """Return the first of the newest days that have a fifth of the rows, and how many days these are."""
    days = times.astype("datetime64[D]")
    first = np.sort(days)[int(len(days) * (1 - _SHARE))]
    return first, int((days.max() - first) / np.timedelta64(1, "D")) + 1


def _fewest_rows(rows: int) -> int:
    return max(10, min(_FEWEST_ROWS, int(rows * _SHARE / 2)))
