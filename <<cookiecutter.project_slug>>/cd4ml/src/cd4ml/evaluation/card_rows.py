"""The model card's facts about rows: the training set, the test set, and the columns of a request."""

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from cd4ml.contract.column import Column
from cd4ml.contract.contract import Contract, Target
from cd4ml.evaluation.formatting import NO_VALUE, format_exact, format_number, format_percent, format_rounded
from cd4ml.evaluation.markdown import code_span, escape

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


def set_facts(name: str, rows: RowSummary, target: Target) -> dict[str, Any]:
    """Return the facts about the training set or the test set."""
    summary = Markup(_target_summary(target, rows.target))  # noqa: S704 - it was escaped
    return {"name": name, "rows": rows.rows, "first": rows.first, "last": rows.last, "target": summary}


def _target_summary(target: Target, distribution: dict[str, Any]) -> str:
    if target.type == "number":
        return f"mean {format_number(distribution['mean'])}, median {format_number(distribution['median'])}"
    if target.type == "boolean":
        return f"{format_percent(distribution['shares'].get('1', 0.0))} true"
    return ", ".join(f"{code_span(label)} {format_percent(share)}" for label, share in distribution["shares"].items())


def column_facts(contract: Contract, profile: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the columns of a request: what each may hold, and its distribution in the training set."""
    return [
        {
            "name": name,
            "type": column.type,
            "allowed": Markup(_allowed(column)),  # noqa: S704 - it was escaped
            "unit": column.unit or "",
            "nullable": column.nullable,
            "nulls": profile["columns"][name]["nulls"],
            "typical": Markup(_typical_values(profile["columns"][name])),  # noqa: S704 - it was escaped
            "description": column.description or "",
        }
        for name, column in contract.columns.items()
    ]


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
