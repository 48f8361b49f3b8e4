"""The card's table of columns: what a row may hold, and what training rows held."""

from typing import Any

from cd4ml.contract.column import Column
from cd4ml.contract.contract import Contract
from cd4ml.evaluation.formatting import NOTHING, brief, exact, percent
from cd4ml.evaluation.markdown import code, plain, table

_MOST_SHARES = 3


def section(contract: Contract, reference: dict[str, Any]) -> str:
    """Return the section on the contract, with each column's distribution in the training rows."""
    header = ("column", "type", "allowed", "unit", "null in training", "typical in training", "meaning")
    rows = []
    for name, column in contract.columns.items():
        seen = reference["columns"][name]
        nulls = percent(seen["nulls"]) if column.nullable else "never"
        meaning, unit = plain(column.description or ""), plain(column.unit or "")
        rows.append((code(name), column.type, _allowed(column), unit, nulls, _typical(seen), meaning))
    return (
        f"## What a row looks like\n\n{table(header, rows)}\n\n"
        "Typical is, for a number, what one row in ten is below, the median, and what one in ten is above; "
        "for a category, the commonest values. Anything not allowed is refused."
    )


def _allowed(column: Column) -> str:
    if column.type in ("number", "integer"):
        if column.min is None and column.max is None:
            return "any"
        if column.min is not None and column.max is not None:
            return f"{exact(column.min)} to {exact(column.max)}"
        return plain(column.minimum_rule if column.min is not None else column.maximum_rule)
    if column.values is not None:
        return plain(column.values_rule) + ("" if column.rejects_unknown else ", or another")
    return {"boolean": "true, false", "timestamp": "any time"}.get(column.type, "any text")


def _typical(seen: dict[str, Any]) -> str:
    if "quantiles" in seen:
        low, middle, high = (seen["quantiles"][tenth] for tenth in (1, 5, 9))
        return f"{brief(low)} · {brief(middle)} · {brief(high)}"
    if "true" in seen:
        return f"true {percent(seen['true'])}"
    if "first" in seen:
        return f"{seen['first'][:10]} to {seen['last'][:10]}"
    if "shares" in seen:
        common = list(seen["shares"].items())[:_MOST_SHARES]
        rest = f", {seen['values'] - len(common):,} more" if seen["values"] > len(common) else ""
        return ", ".join(f"{code(value)} {percent(share)}" for value, share in common) + rest
    return NOTHING
