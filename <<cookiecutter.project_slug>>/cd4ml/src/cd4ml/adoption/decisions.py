"""Decide what each column of a table is used for, and say why."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cd4ml.contract.column import LARGEST_INTEGER, LARGEST_NUMBER, Column
from cd4ml.contract.inference import infer_column
from cd4ml.contract.table import as_strings, parse_column
from cd4ml.errors import DataError
from cd4ml.source.arrow_table import SourceTable

MOST_CATEGORIES = 300  # more give the model more columns than it can learn from
_MOST_SHARE_OF_CATEGORIES = 0.3  # of the rows: with more, most categories are seen too seldom
_FREE_TEXT_LENGTH = 40  # characters, on average
_SLACK = 5  # times the range of the values, on both sides
_MOST_NULLS = 0.98
_FEWEST_DAYS = 20  # different ones, for a column to be the time of the rows
_ID_NAME = re.compile(r"(^|[^a-z])(id|uuid|guid|key|nr|no|number|code)$|(?<=[a-z])(Id|ID)$", re.IGNORECASE)
_TIME_NAME = re.compile(r"date|time|day|month|when|created|timestamp|_at$|_on$", re.IGNORECASE)
_UNIT = re.compile(r"[\[(]([^\])]{1,20})[\])]\s*$")
_SENTINELS = (-999, -9999, -99, 9999, 99999, 999999)
_SENTINEL_WORDS = {"unknown", "n/a", "na", "none", "null", "missing", "-", "?"}


@dataclass(frozen=True)
class Decision:
    """What a column is used for."""

    name: str
    role: str
    """target, id, time, column or left out."""
    column: Column | None
    reason: str
    """Why, for a person; empty if it goes without saying."""


def decide(source: SourceTable, target: str, identity: str | None, time: str | None) -> list[Decision]:
    """Return what each column of a table is used for, in the table's order, without the target.

    Args:
        source: the table, with plain numbers.
        target: the column to predict.
        identity: the column that names a row; None: one that is different in every row and is called an id, if any.
        time: the column that orders the rows; None: the only time, or the one that is called so, if any.

    Raises:
        DataError: `identity` or `time` cannot be what it is named for.
    """
    rows = source.rows
    for role, chosen in (("id", identity), ("time", time)):
        if chosen is not None and rows[chosen].isna().any():
            raise DataError(
                f"{chosen} is null in {rows[chosen].isna().sum():,} rows; the {role} of a row is never null"
            )
    if identity is not None and (repeated := int(rows[identity].duplicated().sum())):
        raise DataError(f"{identity} repeats an earlier value in {repeated:,} rows; an id names one row")
    decisions: list[Decision] = []
    for name in rows:
        if name != target:
            decisions.append(_decide_column(rows[name], source.typed, forced=name in (identity, time)))
    decisions += [Decision(name, "left out", None, f"holds {kind}") for name, kind in source.unusable.items()]
    decisions = _without_duplicates(decisions, rows)
    identity = identity or _find_id(decisions, rows)
    time = time or _find_time(decisions, rows)
    return [_with_role(decision, identity, time) for decision in decisions]


def nearest_names(name: str, names: Sequence[str]) -> list[str]:
    """Return the three names that are most like a name that does not exist."""
    import difflib

    lowered = {other.lower(): other for other in names}
    return [lowered[match] for match in difflib.get_close_matches(name.lower(), lowered, 3, 0.4)] or [*names[:3]]


def _decide_column(series: pd.Series, typed: bool, forced: bool) -> Decision:
    name, present = str(series.name), series.dropna()
    drafted = infer_column(series, typed)
    column = _with_unit(drafted.column, name)
    if forced:
        return Decision(name, "column", column, drafted.remark)
    if present.nunique() <= 1:
        return Decision(name, "left out", None, "empty" if present.empty else "the same in every row")
    if len(present) < (1 - _MOST_NULLS) * len(series):
        return Decision(name, "left out", None, f"null in {1 - len(present) / len(series):.0%} of the rows")
    if column.type == "number" and _are_large_integers(present, column):
        column = Column(type="category", nullable=column.nullable)
    if column.type == "category":
        return _decide_category(name, column, as_strings(present))
    if column.type in ("number", "integer"):
        return Decision(name, "column", _with_range(present, column), _sentinels(present, column))
    return Decision(name, "column", column, drafted.remark)


def _decide_category(name: str, column: Column, texts: pd.Series) -> Decision:
    different = texts.nunique()
    if different == len(texts):
        return Decision(name, "left out", None, "different in every row")
    if texts.str.len().mean() > _FREE_TEXT_LENGTH:
        return Decision(name, "left out", None, "free text")
    if different > MOST_CATEGORIES or different > _MOST_SHARE_OF_CATEGORIES * len(texts):
        return Decision(name, "left out", None, f"{different:,} different values in {len(texts):,} rows")
    words = sorted(_SENTINEL_WORDS & {text.strip().lower() for text in texts.unique()})
    return Decision(name, "column", column, f'is "{words[0]}" a null? then data.null_values' if words else "")


def _are_large_integers(present: pd.Series, column: Column) -> bool:
    values = parse_column(present, column)
    return bool((values % 1 == 0).all() and np.abs(values).max() > LARGEST_INTEGER)


def _with_range(present: pd.Series, column: Column) -> Column:
    """Return a column of numbers with limits far from what the rows hold: what is beyond has another unit."""
    values = parse_column(present, column)
    low, high = float(values.min()), float(values.max())
    slack = _SLACK * (high - low)
    limits = {"min": 0.0 if low >= 0 else _rounded(low - slack, np.floor), "max": _rounded(high + slack, np.ceil)}
    allowed = LARGEST_INTEGER if column.type == "integer" else LARGEST_NUMBER
    return column.model_copy(update={name: limit for name, limit in limits.items() if abs(limit) <= allowed})


def _rounded(value: float, direction: Callable[[float], float]) -> float:
    """Return a number with two significant digits, rounded in a direction."""
    unit = 10.0 ** (np.floor(np.log10(abs(value))) - 1) if value else 1.0
    return float(f"{direction(value / unit) * unit:.2g}")


def _sentinels(present: pd.Series, column: Column) -> str:
    """Return a question about a value that may stand for a null."""
    if column.type not in ("number", "integer"):
        return ""
    values = parse_column(present, column)
    for sentinel in _SENTINELS:
        others = values[values != sentinel]
        if len(others) and len(others) < len(values) and (others > sentinel).all() != (others < sentinel).all():
            distance = min(abs(others.min() - sentinel), abs(others.max() - sentinel))
            if distance > others.max() - others.min():
                return f"is {sentinel} a null? then data.null_values"
    return ""


def _with_unit(column: Column, name: str) -> Column:
    unit = _UNIT.search(name)
    if unit is None or column.type not in ("number", "integer"):
        return column
    return column.model_copy(update={"unit": unit[1]})


def _without_duplicates(decisions: list[Decision], rows: pd.DataFrame) -> list[Decision]:
    """Leave out each column that equals an earlier one in every row."""
    seen: dict[int, str] = {}
    kept = []
    for decision in decisions:
        if decision.role == "column":
            content = int(pd.util.hash_pandas_object(as_strings(rows[decision.name]).fillna("\0"), index=False).sum())
            other = seen.setdefault(content, decision.name)
            if other != decision.name and as_strings(rows[other]).equals(as_strings(rows[decision.name])):
                decision = Decision(decision.name, "left out", None, f"equals {other} in every row")
        kept.append(decision)
    return kept


def _find_id(decisions: list[Decision], rows: pd.DataFrame) -> str | None:
    for decision in decisions:
        values = rows[decision.name] if decision.name in rows else pd.Series(dtype=object)
        if _ID_NAME.search(decision.name) and len(values) and values.notna().all() and values.is_unique:
            return decision.name
    return None


def _find_time(decisions: list[Decision], rows: pd.DataFrame) -> str | None:
    times = [
        decision.name
        for decision in decisions
        if decision.column is not None and decision.column.type == "timestamp" and not decision.column.nullable
        and np.unique(parse_column(rows[decision.name], decision.column).astype("datetime64[D]")).size >= _FEWEST_DAYS
    ]  # fmt: skip
    named = [name for name in times if _TIME_NAME.search(name)]
    return times[0] if len(times) == 1 else next(iter(named), None)


def _with_role(decision: Decision, identity: str | None, time: str | None) -> Decision:
    if decision.name == identity:
        return replace(decision, role="id", column=None, reason="names a row; not a feature")
    if decision.name == time:
        if decision.column is None or decision.column.type != "timestamp":
            raise DataError(f"{time} is no column of times; leave TIME out, or name another one")
        return replace(decision, role="time", reason="the newest rows are the test set; its parts are features")
    return decision
