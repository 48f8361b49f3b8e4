"""The rules about the test set itself: how large a loss it shows, and how large it is beside the champion's."""

import json

from cd4ml.evaluation.formatting import format_number
from cd4ml.evaluation.metric_table import Metric
from cd4ml.files.git import file_at
from cd4ml.gate.champion import Champion
from cd4ml.gate.rules import Finding
from cd4ml.settings import paths

_LEAST_SHARE = 0.5  # of the rows that the champion was judged on


def check_power(compared: Finding, metric: Metric, smallest_loss: float | None) -> Finding:
    """Reject a test set on which a loss of `smallest_loss` would not be seen in four cases out of five.

    Args:
        compared: what `check_comparison` found; its numbers have `detectable_loss`, unless nothing was compared.
        metric: the main one.
        smallest_loss: in the unit of a gain; None: no limit.
    """
    detectable = compared.numbers.get("detectable_loss")
    if detectable is None:
        return Finding("power", "not judged", compared.measured)
    measured = f"detects a loss of {_format_loss(metric, detectable)}"
    numbers = {"detectable_loss": detectable, "smallest_loss": smallest_loss}
    if smallest_loss is None:
        return Finding("power", "not judged", measured, "gate.smallest_loss is null", numbers=numbers)
    allowed = f"{_format_loss(metric, smallest_loss)} or less"
    if detectable <= smallest_loss:
        return Finding("power", "passed", measured, allowed, numbers=numbers)
    why = (
        f"the test set shows only losses of {metric.name} above {_format_loss(metric, detectable)}, and "
        f"gate.smallest_loss is {_format_loss(metric, smallest_loss)}; make the test set larger (split in params.yaml)"
    )
    return Finding("power", "rejected", measured, allowed, why, numbers)


def check_rows(rows: int, champion: Champion) -> Finding:
    """Reject a test set with fewer than half the rows that the champion was judged on: it proves less than before."""
    before = judged_rows(champion)
    if before is None:
        return Finding("rows", "not judged", f"{rows:,} rows", f"{paths.GATE} of the champion does not name its rows")
    measured, least = f"{rows:,} rows, the champion's test set had {before:,}", _LEAST_SHARE * before
    why = "" if rows >= least else f"{measured}; undo what made it smaller (data or split in params.yaml)"
    numbers = {"rows": rows, "champion": before}
    return Finding("rows", "rejected" if why else "passed", measured, f"at least {least:,.0f}", why, numbers)


def judged_rows(champion: Champion) -> int | None:
    """Return how many rows the champion was judged on, as reports/gate.json at its revision has it; None if unknown."""
    try:
        verdict = json.loads(file_at(champion.revision, paths.GATE.as_posix()) or "{}")
    except ValueError:
        return None
    if not isinstance(verdict, dict) or verdict.get("digest") != champion.bundle.manifest.digest:
        return None  # the report is about another bundle
    rows = verdict.get("rows")
    return rows if isinstance(rows, int) else None


def _format_loss(metric: Metric, loss: float) -> str:
    return f"{100 * loss:.1f} %" if metric.of_target else format_number(loss)
