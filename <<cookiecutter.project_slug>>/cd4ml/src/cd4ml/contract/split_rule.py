"""Which rows are in the test set: by the team's split.py; else the newest days; else by a hash of each row."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cd4ml.contract.columns import Array
from cd4ml.contract.contract import Contract
from cd4ml.contract.row_key import ROW_KEY, positions
from cd4ml.contract.table import times_of_table
from cd4ml.errors import SplitError, describe, locate
from cd4ml.settings.params import SplitParams
from cd4ml.settings.project import read_project
from cd4ml.settings.team_module import import_module

FUNCTION = "in_test_set"


@dataclass(frozen=True)
class SplitRule:
    """The rule that decides which rows are in the test set."""

    contract: Contract
    params: SplitParams
    function: Callable[[pd.DataFrame], Any] | None = None
    """The team's `in_test_set`; None: the newest days if the contract names a time, else a hash of each row."""
    place: str = ""
    """File, line and name of the team's function."""

    @property
    def is_of_team(self) -> bool:
        """Whether the team's split.py decides."""
        return self.function is not None

    @property
    def description(self) -> str:
        """What the team says about its rule: the first line of the function's docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0].strip()

    @property
    def setting(self) -> str:
        """What to change for more or fewer rows in the test set."""
        if self.is_of_team:
            return f"{FUNCTION} in {read_project().split}"
        return f"split.{'holdout_share' if self.contract.time is None else 'holdout_days'}"

    def in_test_set(self, table: pd.DataFrame) -> Array:
        """Return which rows of the raw table are in the test set, shape `(rows,)`.

        Raises:
            SplitError: the team's function fails, or does not answer with one boolean for each row, the same for a row
                whenever it is asked.
        """
        if self.is_of_team:
            return self._by_team(table)
        times = times_of_table(table, self.contract)
        if times is None:
            return positions(table[ROW_KEY]) < self.params.holdout_share
        days = times.astype("datetime64[D]")
        return np.asarray(days > days.max() - np.timedelta64(self.params.holdout_days, "D"))

    def _by_team(self, table: pd.DataFrame) -> Array:
        in_test = self._answer(table)
        backwards = self._answer(table.iloc[::-1].reset_index(drop=True))[::-1]
        if changed := int((in_test != backwards).sum()):
            raise SplitError(
                f"{self.place} gave another answer for {changed:,} of {len(table):,} rows when it was asked again, in "
                "reverse order; decide by each row's own values"
            )
        if in_test.all() or not in_test.any():
            raise SplitError(
                f"{self.place} puts {'all' if in_test.all() else 'none'} of {len(table):,} rows into the test set; "
                "return True for some, such as a fifth"
            )
        return in_test

    def _answer(self, table: pd.DataFrame) -> Array:
        assert self.function is not None  # noqa: S101 - for mypy: only called if it is
        try:
            value = self.function(table.copy())
        except Exception as failure:
            line = locate(failure, read_project().split.parent)
            raise SplitError(f"{line or self.place}: {describe(failure)}") from failure
        answer = np.asarray(value)
        if answer.shape != (len(table),):
            raise SplitError(
                f"{self.place} returned {type(value).__name__} of shape {answer.shape} for {len(table):,} rows; "
                "return one boolean for each row"
            )
        if answer.dtype == object and all(isinstance(each, bool | np.bool_) for each in answer):
            answer = answer.astype(bool)  # pandas has such columns, too
        if answer.dtype != bool:
            raise SplitError(f"{self.place} returned values of type {answer.dtype}; return booleans, without nulls")
        return answer


def read_split_rule(contract: Contract, params: SplitParams) -> SplitRule:
    """Return the rule of the project: that of the team's split.py if there is such a file.

    Raises:
        SplitError: split.py fails when it is imported, or has no function `in_test_set` that takes the table.
    """
    path = read_project().split
    if not path.exists():
        return SplitRule(contract, params)
    function = getattr(import_module(path, SplitError), FUNCTION, None)
    if not inspect.isfunction(function):
        raise SplitError(f"{path} has no function {FUNCTION}(table); write one that returns one boolean for each row")
    place = f"{path}:{function.__code__.co_firstlineno}: {FUNCTION}"
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        raise SplitError(f"{place} does not take the table alone; write def {FUNCTION}(table)") from None
    rule = SplitRule(contract, params, function, place)
    if not rule.description:
        raise SplitError(f"{place} has no docstring; its first line describes the test set in the model card")
    return rule
