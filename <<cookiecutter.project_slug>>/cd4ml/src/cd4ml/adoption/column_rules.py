"""Decide whether a column is a feature, and with which rules, from its values alone."""

import re
from collections.abc import Callable

import numpy as np
import pandas as pd

from cd4ml.adoption.decision import Decision
from cd4ml.adoption.roles import ID_NAME
from cd4ml.contract.column import LARGEST_INTEGER, LARGEST_NUMBER, Column
from cd4ml.contract.inference import infer_column
from cd4ml.contract.table import as_strings, parse_column

MOST_CATEGORIES = 300  # more give the model more columns than it can learn from
_MOST_SHARE_OF_CATEGORIES = 0.3  # of the rows: with more, most categories are seen too seldom
_FREE_TEXT_LENGTH = 40  # characters, on average
_SLACK = 5  # times the range of the values, on both sides
_MOST_NULLS = 0.98
_CODE_NAME = re.compile(r"(^|[^a-z])(zip|postcode|postal|code|type|class|category|group|kind)", re.IGNORECASE)
_ROW_NUMBER_NAME = re.compile(
    r"(row|line|record)?[ _.]*(names?|number|num|nr|no|id|index)?|unnamed: \d+|level_\d+", re.IGNORECASE
)
_UNIT = re.compile(r"[\[(]([^\])]{1,20})[\])]\s*$")
_SENTINELS = (-999, -9999, -99, 9999, 99999, 999999)
_SENTINEL_WORDS = {"unknown", "n/a", "na", "none", "null", "missing", "-", "?"}


def decide_column(series: pd.Series, typed: bool, forced: bool) -> Decision:
    """Return what a column is used for: a feature with its rules, or nothing.

    Args:
        series: its values.
        typed: whether the source has types.
        forced: whether a person named it, so that it is not left out.
    """
    name, present = str(series.name), series.dropna()
    drafted = infer_column(series, typed)
    column = _with_unit(drafted.column, name)
    if forced:
        return Decision(name, "column", column)
    if present.nunique() <= 1:
        return Decision(name, "left out", None, "empty" if present.empty else "the same in every row")
    if len(present) < (1 - _MOST_NULLS) * len(series):
        return Decision(name, "left out", None, f"null in {1 - len(present) / len(series):.0%} of the rows", "likely")
    if numbers_the_rows(series, column):
        return Decision(name, "left out", None, "numbers the rows", "likely")
    if column.type == "number" and _are_large_codes(present, column):
        return _decide_category(Column(type="category", nullable=column.nullable), name, as_strings(present))
    if column.type == "category":
        return _decide_category(column, name, as_strings(present))
    if column.type in ("number", "integer"):
        return _decide_number(_with_range(present, column), name, present)
    return Decision(name, "column", column, drafted.remark, "check" if drafted.remark else "sure")


def _decide_number(column: Column, name: str, present: pd.Series) -> Decision:
    """Return the decision for a column of numbers: codes may be categories, and a value far off may be a null."""
    few = present.nunique() <= MOST_CATEGORIES
    if column.type == "integer" and few and _CODE_NAME.search(name):
        codes = Decision(name, "column", Column(type="category", nullable=column.nullable), "codes", "likely")
        reason = "is called a code: are its values categories?"
        return Decision(name, "column", column, reason, "check", otherwise=codes)
    sentinel = find_sentinel(present, column)
    reason = "" if sentinel is None else f"is {sentinel} a null? then data.null_values"
    return Decision(name, "column", column, reason, "sure" if sentinel is None else "check")


def _decide_category(column: Column, name: str, texts: pd.Series) -> Decision:
    different = texts.nunique()
    if different == len(texts):
        return Decision(name, "left out", None, "different in every row")
    if texts.str.len().mean() > _FREE_TEXT_LENGTH:
        return Decision(name, "left out", None, "free text")
    if different > MOST_CATEGORIES or different > _MOST_SHARE_OF_CATEGORIES * len(texts):
        return Decision(name, "left out", None, f"{different:,} different values in {len(texts):,} rows", "likely")
    if words := sentinel_words(texts):
        return Decision(name, "column", column, f'is "{words[0]}" a null? then data.null_values', "check")
    return Decision(name, "column", column)


def numbers_the_rows(series: pd.Series, column: Column) -> bool:
    """Return whether a column counts the rows from 0 or 1 on, or rises from row to row and is called a row's number.

    It says nothing about a row, but everything about the target where the rows are sorted by it.
    """
    if column.type != "integer" or column.nullable or len(series) < 2:
        return False
    values = parse_column(series, column)
    steps = np.diff(values)
    counts = values[0] in (0, 1) and bool((steps == 1).all())
    return counts or (bool((steps > 0).all()) and _ROW_NUMBER_NAME.fullmatch(str(series.name)) is not None)


def _are_large_codes(present: pd.Series, column: Column) -> bool:
    """Return whether a column has integers that float32 cannot hold, and these are codes and no amounts.

    Codes have equally many digits, or are called an id or a code.
    """
    values = parse_column(present, column)
    if not np.isfinite(values).all() or (values % 1 != 0).any() or np.abs(values).max() <= LARGEST_INTEGER:
        return False
    name = str(present.name)
    digits = {len(f"{value:.0f}") for value in np.unique(np.abs(values))}
    return len(digits) == 1 or ID_NAME.search(name) is not None or _CODE_NAME.search(name) is not None


def _with_range(present: pd.Series, column: Column) -> Column:
    """Return a column of numbers with limits far from what the rows hold: what is beyond has another unit."""
    values = parse_column(present, column)
    if not np.isfinite(values).all():
        return column
    low, high = float(values.min()), float(values.max())
    slack = _SLACK * (high - low)
    limits = {"min": 0.0 if low >= 0 else _rounded(low - slack, np.floor), "max": _rounded(high + slack, np.ceil)}
    allowed = LARGEST_INTEGER if column.type == "integer" else LARGEST_NUMBER
    return column.model_copy(update={name: limit for name, limit in limits.items() if abs(limit) <= allowed})


def _rounded(value: float, direction: Callable[[float], float]) -> float:
    """Return a number with two significant digits, rounded in a direction."""
    unit = 10.0 ** (np.floor(np.log10(abs(value))) - 1) if value else 1.0
    return float(f"{direction(value / unit) * unit:.2g}")


def find_sentinel(present: pd.Series, column: Column) -> int | None:
    """Return a value of a column of numbers that may stand for a null, since it is far from all others."""
    values = parse_column(present, column)
    for sentinel in _SENTINELS:
        others = values[values != sentinel]
        if len(others) and len(others) < len(values) and (others > sentinel).all() != (others < sentinel).all():
            distance = min(abs(others.min() - sentinel), abs(others.max() - sentinel))
            if distance > others.max() - others.min():
                return sentinel
    return None


def sentinel_words(texts: pd.Series) -> list[str]:
    """Return the texts of a column that people write for a null."""
    return sorted(text for text in texts.unique() if text.strip().lower() in _SENTINEL_WORDS)


def _with_unit(column: Column, name: str) -> Column:
    unit = _UNIT.search(name)
    if unit is None or column.type not in ("number", "integer"):
        return column
    return column.model_copy(update={"unit": unit[1]})
