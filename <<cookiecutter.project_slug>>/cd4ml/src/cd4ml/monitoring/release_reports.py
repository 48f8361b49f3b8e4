"""What metrics.json and slices.json of a release say of its test set, as far as they are what they should be.

They come with the model, from git or from whoever copied them: one that is missing or damaged leaves the loss unjudged,
which the check `loss` says, and nothing else.
"""

import json
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

Ends = dict[str, float]


def read_report(path: Path) -> dict[str, Any]:
    """Return a report's content; empty if there is none, or if it is no JSON object."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def metric_of(report: Mapping[str, Any], name: str) -> float | None:
    """Return a metric in metrics.json; None if it has none that is a finite number."""
    value: Any = report.get(name)
    return float(value) if _is_number(value) else None


def interval_of(report: Mapping[str, Any], name: str) -> Ends | None:
    """Return the interval of a metric in metrics.json; None if it has none with two ends."""
    intervals = report.get("intervals")
    interval = intervals.get(name) if isinstance(intervals, dict) else None
    if not isinstance(interval, dict) or not all(_is_number(interval.get(end)) for end in ("low", "high")):
        return None
    return {end: float(interval[end]) for end in ("low", "high")}


def slices_of(report: Mapping[str, Any], metric: str) -> dict[tuple[str, Any], float]:
    """Return a metric's value by column and value of each slice in slices.json that has one."""
    slices = report.get("slices")
    return {
        (each["column"], each["value"]): float(each[metric])
        for each in (slices if isinstance(slices, list) else [])
        if isinstance(each, dict)
        and isinstance(each.get("column"), str)
        and isinstance(each.get("value", []), str | int | float | None)
        and _is_number(each.get(metric))
    }


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300 and isfinite(value)
