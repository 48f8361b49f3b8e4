"""What the outputs of monitoring.json ask of it: the newest period that was judged, and a check's finding."""

from collections.abc import Mapping
from typing import Any


def newest_judged(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the newest period with enough outcomes; None if there is none."""
    judged = [period for period in document["periods"] if period["judged"]]
    return judged[-1] if judged else None


def finding_of(document: Mapping[str, Any], check: str) -> dict[str, Any]:
    """Return the worst finding of a check; each check has one, but for those of columns if none broke a limit."""
    return next(finding for finding in document["findings"] if finding["check"] == check)


def whole(interval: Mapping[str, float | None] | None) -> dict[str, float] | None:
    """Return an interval whose ends are both known; None of any other."""
    known = {name: end for name, end in (interval or {}).items() if end is not None}
    return known if len(known) == 2 else None


def age_days(document: Mapping[str, Any], check: str) -> int | None:
    """Return the age of the newest record (`log`), outcome (`data`) or training row (`model`); None if unknown."""
    days: int | None = finding_of(document, check)["numbers"].get("days")
    return days


def findings_at(document: Mapping[str, Any], *levels: str) -> list[dict[str, Any]]:
    """Return the findings of some levels, the worst first."""
    return [finding for finding in document["findings"] if finding["level"] in levels]
