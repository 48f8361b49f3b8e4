"""Find the columns that are no features: what names a row, what several rows belong to, what orders the rows."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd

from cd4ml.adoption.decision import Certainty, Decision
from cd4ml.adoption.questions import Ask
from cd4ml.adoption.split_choice import divides
from cd4ml.contract.table import parse_column
from cd4ml.errors import DataError

_FEWEST_DAYS = 20  # different ones, for a column to be the time of the rows
_FEWEST_GROUPS = 20
_SHARE_OF_GROUPS = (0.02, 0.9)  # of the rows: with fewer the column is a feature, with more nearly every row is alone
ID_NAME = re.compile(r"(?i:(^|[^a-z])(id|uuid|guid|key|nr|no|number|code)$)|(?<=[a-z])(Id|ID)$")
_GROUP_NAME = re.compile(r"(?i:(^|[^a-z])(id|uuid|guid)$|^(subject|patient|customer|person|user)$)|(?<=[a-z])(Id|ID)$")
_TIME_NAME = re.compile(r"date|time|day|month|when|created|timestamp|_at$|_on$", re.IGNORECASE)


def with_names(decisions: list[Decision], rows: pd.DataFrame, identity: str | None) -> list[Decision]:
    """Return the decisions with the column that names a row as the id, or what several rows belong to as the group.

    Args:
        decisions: what each column is used for.
        rows: the table.
        identity: the column that a person names for it; None: one that is called so, if any.

    Raises:
        DataError: `identity` has too few different values to name rows, or what they belong to.
    """
    if identity is not None:
        unique, different = rows[identity].is_unique, rows[identity].nunique()
        if different < _FEWEST_GROUPS:
            raise DataError(
                f"{identity} has only {different} different values; an id names a row, or one of at least "
                f"{_FEWEST_GROUPS} things that rows belong to"
            )
        return [_named(one, unique, "sure") if one.name == identity else one for one in decisions]
    ids = [one for one in decisions if ID_NAME.search(one.name) and _is_unique(rows, one.name)]
    if ids:
        return [_named(one, True, "likely") if one is ids[0] else one for one in decisions]
    groups = [
        one for one in decisions if _GROUP_NAME.search(one.name) and _may_be_codes(one) and _repeats(rows, one.name)
    ]
    return [_named(one, False, "check") if groups and one is groups[0] else one for one in decisions]


def _named(decision: Decision, unique: bool, certainty: Certainty) -> Decision:
    if unique:
        return Decision(decision.name, "id", None, "names a row; not a feature", certainty)
    reason = "several rows belong to each; they stay together in the training set or the test set"
    return Decision(decision.name, "group", None, reason, certainty, otherwise=decision)


def _is_unique(rows: pd.DataFrame, name: str) -> bool:
    return name in rows and bool(len(rows)) and bool(rows[name].notna().all()) and bool(rows[name].is_unique)


def _may_be_codes(decision: Decision) -> bool:
    return decision.column is None or decision.column.type in ("category", "integer")


def _repeats(rows: pd.DataFrame, name: str) -> bool:
    """Return whether a column has many values, most of them in several rows."""
    if name not in rows or rows[name].isna().any():
        return False
    groups, (fewest, most) = rows[name].nunique(), _SHARE_OF_GROUPS
    return groups >= _FEWEST_GROUPS and fewest * len(rows) <= groups <= most * len(rows)


def with_time(decisions: list[Decision], rows: pd.DataFrame, time: str | None, ask: Ask) -> list[Decision]:
    """Return the decisions with the column that orders the rows as the time.

    Args:
        decisions: what each column is used for.
        rows: the rows that have a target.
        time: the column that a person names for it; None: the only time, or one that is called so, if any.
        ask: asks which one, if there are several.

    Raises:
        DataError: `time` is no column of times.
    """
    certainty: Certainty = "sure"
    if time is None:
        times = sorted(_times(decisions, rows), key=lambda name: _TIME_NAME.search(name) is None)
        certainty, time = ("likely", times[0]) if len(times) == 1 else ("check", _chosen_time(times, ask))
    return [_ordering(one, certainty) if one.name == time else one for one in decisions]


def _chosen_time(times: list[str], ask: Ask) -> str | None:
    """Return which of several columns orders the rows; one that is called a time is likelier than none at all."""
    if not times:
        return None
    none = None, "none of them: the test set is drawn by a hash"
    answers: list[tuple[str | None, str]] = [(name, f"{name} orders the rows") for name in times]
    answers.insert(len(times) if _TIME_NAME.search(times[0]) else 0, none)
    question = "which time orders the rows, so that the newest are the test set?"
    return answers[ask(question, [meaning for _, meaning in answers])][0]


def _times(decisions: list[Decision], rows: pd.DataFrame) -> list[str]:
    """Return the columns that may order the rows: of many days, the newest of which can be the test set."""
    names = []
    for one in decisions:
        if one.column is not None and one.column.type == "timestamp" and not one.column.nullable:
            times = parse_column(rows[one.name], one.column)
            if np.unique(times.astype("datetime64[D]")).size >= _FEWEST_DAYS and divides(times):
                names.append(one.name)
    return names


def _ordering(decision: Decision, certainty: Certainty) -> Decision:
    if decision.column is None or decision.column.type != "timestamp":
        raise DataError(f"{decision.name} is no column of times; leave TIME out, or name another one")
    reason = "the newest rows are the test set; its parts are features"
    return replace(decision, role="time", reason=reason, certainty=certainty, otherwise=None)
