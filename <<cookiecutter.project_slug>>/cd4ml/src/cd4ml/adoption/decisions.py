"""Decide what each column of a table is used for, and say why."""

import pandas as pd

from cd4ml.adoption.column_rules import decide_column
from cd4ml.adoption.decision import Decision
from cd4ml.adoption.questions import Ask
from cd4ml.adoption.roles import with_names, with_time
from cd4ml.contract.table import as_strings
from cd4ml.errors import DataError
from cd4ml.source.arrow_table import SourceTable


def decide(source: SourceTable, target: str, identity: str | None, time: str | None, ask: Ask) -> list[Decision]:
    """Return what each column of a table is used for, in the table's order, without the target.

    Args:
        source: the table, with plain numbers.
        target: the column to predict.
        identity: the column that names a row, or what several rows belong to; None: one that is called so, if any.
        time: the column that orders the rows; None: the only time, or one that is called so, if any.
        ask: asks about what is not clear.

    Raises:
        DataError: `identity` or `time` cannot be what it is named for.
    """
    rows = source.rows
    for role, chosen in (("id", identity), ("time", time)):
        if chosen is not None and rows[chosen].isna().any():
            raise DataError(
                f"{chosen} is null in {rows[chosen].isna().sum():,} rows; the {role} of a row is never null"
            )
    decisions = [
        decide_column(rows[name], source.typed, forced=name in (identity, time)) for name in rows if name != target
    ]
    decisions += [Decision(name, "left out", None, f"holds {kind}") for name, kind in source.unusable.items()]
    decisions = _without_duplicates(decisions, rows)
    decisions = with_names(decisions, rows, identity)
    decisions = with_time(decisions, rows[rows[target].notna()], time, ask)
    decisions = [asked(decision, ask) for decision in decisions]
    in_time = any(one.role == "time" for one in decisions)
    return [_of_ordered_rows(one) if in_time and one.role == "group" else one for one in decisions]


def _of_ordered_rows(group: Decision) -> Decision:
    """Return the decision about a group where the time chooses the test set."""
    return Decision(group.name, "left out", None, "names what several rows belong to; not a feature", "likely")


def asked(decision: Decision, ask: Ask) -> Decision:
    """Return a decision after a person was asked about it, if it is unclear and there is another one."""
    if decision.certainty != "check" or decision.otherwise is None:
        return decision
    answers = (decision, decision.otherwise)
    return answers[ask(f"{decision.name}: {decision.reason}", [answer.action for answer in answers])]


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
