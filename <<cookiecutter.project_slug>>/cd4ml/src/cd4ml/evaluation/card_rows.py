"""Write the model card's sections about rows: the training set, the test set, and the columns of a request."""

from dataclasses import dataclass
from typing import Any

from cd4ml.contract.column import Column
from cd4ml.contract.contract import Contract, Target
from cd4ml.contract.split_rule import SplitRule
from cd4ml.evaluation.formatting import NO_VALUE, format_exact, format_number, format_percent, format_rounded
from cd4ml.evaluation.markdown import code_span, escape, markdown_table

_MAX_SHARES = 3


@dataclass(frozen=True)
class RowSummary:
    """The number of rows of a table, the distribution of their target, and their first and last time."""

    rows: int
    target: dict[str, Any]
    """As a training profile has it."""
    first: str | None = None
    last: str | None = None
    """None if the contract names no time."""

    @classmethod
    def from_profile(cls, profile: dict[str, Any]) -> "RowSummary":
        """Return the summary of the rows that a training profile describes."""
        time = profile["time"] or {}
        return cls(profile["rows"], profile["target"], time.get("first"), time.get("last"))


def sets_section(rule: SplitRule, train: RowSummary, test: RowSummary) -> str:
    """Return the section that compares the training set with the test set."""
    contract = rule.contract
    if rule.is_of_team:
        choice = f"The test set was chosen by {escape(rule.setting)}: {escape(rule.description)}"
    elif contract.time is None:
        choice = "The test set was chosen by a hash, so that its rows stay in it as the table grows."
    else:
        choice = (
            f"By {code_span(contract.time)}, every row of the test set is later than every row of the training set."
        )
    header = ("", "rows", "from", "to", code_span(contract.target.name))
    cells = [
        (name, f"{rows.rows:,}", day_of(rows.first), day_of(rows.last), _target_summary(contract.target, rows.target))
        for name, rows in (("training set", train), ("test set", test))
    ]
    columns = [0, 1, *([2, 3] if contract.time is not None else []), 4]
    table = markdown_table(
        [header[column] for column in columns], [[row[column] for column in columns] for row in cells], right=(1,)
    )
    return f"## Training set and test set\n\n{table}\n\n{choice}"


def _target_summary(target: Target, distribution: dict[str, Any]) -> str:
    if target.type == "number":
        return f"mean {format_number(distribution['mean'])}, median {format_number(distribution['median'])}"
    if target.type == "boolean":
        return f"{format_percent(distribution['shares'].get('1', 0.0))} true"
    return ", ".join(f"{code_span(label)} {format_percent(share)}" for label, share in distribution["shares"].items())


def day_of(time: str | None) -> str:
    """Return the day of a time in ISO format; a dash for None."""
    return time[:10] if time else NO_VALUE


def columns_section(contract: Contract, profile: dict[str, Any]) -> str:
    """Return the section about the columns: what each may hold, and its distribution in the training set."""
    header = ("column", "type", "allowed", "unit", "null in training", "typical in training", "description")
    rows = []
    for name, column in contract.columns.items():
        distribution = profile["columns"][name]
        nulls = format_percent(distribution["nulls"]) if column.nullable else "not allowed"
        unit, description = escape(column.unit or ""), escape(column.description or "")
        rows.append(
            (code_span(name), column.type, _allowed(column), unit, nulls, _typical_values(distribution), description)
        )
    return (
        f"## Columns of a request\n\n{markdown_table(header, rows)}\n\n"
        "Typical values are, for a number, the 10th percentile, the median and the 90th percentile; for a category, "
        "the most common values. The service rejects a value that is not allowed."
    )


def _allowed(column: Column) -> str:
    if column.type in ("number", "integer"):
        if column.min is None and column.max is None:
            return "any"
        if column.min is not None and column.max is not None:
            return f"{format_exact(column.min)} to {format_exact(column.max)}"
        return escape(column.minimum_rule if column.min is not None else column.maximum_rule)
    if column.values is not None:
        return escape(column.values_rule) + ("" if column.rejects_unknown else ", or any other")
    return {"boolean": "true, false", "timestamp": "any time"}.get(column.type, "any string")


def _typical_values(distribution: dict[str, Any]) -> str:
    if "quantiles" in distribution:
        low, median, high = (distribution["quantiles"][tenth] for tenth in (1, 5, 9))
        return f"{format_rounded(low)} · {format_rounded(median)} · {format_rounded(high)}"
    if "true" in distribution:
        return f"true {format_percent(distribution['true'])}"
    if "first" in distribution:
        return f"{distribution['first'][:10]} to {distribution['last'][:10]}"
    if "shares" in distribution:
        common = list(distribution["shares"].items())[:_MAX_SHARES]
        others = distribution["values"] - len(common)
        more = f", {others:,} more" if others > 0 else ""
        return ", ".join(f"{code_span(value)} {format_percent(share)}" for value, share in common) + more
    return NO_VALUE
