"""Compare the limits in params.yaml with those of the model that the challenger would replace: are they looser?

A pull request may change the gate's limits and the model at once. So the limits that count are those of the release
that is live, or before the first one those on the default branch. A limit that is stricter here counts as well.
"""

from dataclasses import dataclass
from typing import Any, Literal

from cd4ml.contract.contract import Task
from cd4ml.evaluation.markdown import code_span, escape, markdown_table
from cd4ml.evaluation.metric_set import read_metric_set
from cd4ml.evaluation.metric_table import METRICS, Metric
from cd4ml.gate.champion_limits import ChampionLimits, UnreadableLimitsError
from cd4ml.gate.rules import Finding
from cd4ml.settings.params import MetricsParams, Params, Waiver

STRICTER: dict[str, Literal["lower", "higher"]] = {
    "gate.too_good": "lower",
    "gate.max_regression": "lower",
    "gate.max_slice_regression": "lower",
    "gate.smallest_loss": "lower",
    "gate.max_calibration_error": "lower",
    "gate.compare_releases": "higher",
    "evaluate.slice_minimum_rows": "lower",
    "evaluate.slice_maximum_values": "higher",
}
"""The limits that are one number, and which number is the stricter one. A null is no limit."""
_HALVED = ("evaluate.bootstrap_rounds", "split.holdout_days", "split.holdout_share", "split.minimum_rows")
"""What makes a judgement more certain. Less is weaker only if it is less than half: it is no limit itself."""
_IN_THE_MAIN_METRICS_UNIT = ("gate.max_regression", "gate.max_slice_regression", "gate.smallest_loss")
_MAX_CHANGES = 3  # that are named in a rejection


@dataclass(frozen=True)
class Change:
    """A limit that is looser than the champion's: its key in params.yaml, and both values."""

    key: str
    champion: str
    challenger: str


def check_limits(
    params: Params,
    task: Task,
    champion: ChampionLimits | UnreadableLimitsError | None,
    *,
    replaces: bool,
    waived: bool,
) -> tuple[Finding, Params]:
    """Return the finding on the limits, and the parameters to judge by.

    Args:
        params: the challenger's, from params.yaml.
        task: the challenger's.
        champion: the champion's limits, why they cannot be read, or None if there are none.
        replaces: whether there is a champion to replace; if not, looser limits are only reported.
        waived: whether a waiver accepts looser limits for this bundle: its own limits count then.
    """
    allowed = "none is looser than the champion's"
    if champion is None:
        return Finding("limits", "not judged", "nothing to compare with", allowed), params
    if isinstance(champion, UnreadableLimitsError):
        if not replaces:
            return Finding("limits", "not judged", str(champion), allowed), params
        return Finding("limits", "rejected", "not known", allowed, str(champion)), params
    changes, stricter = looser_limits(params, task, champion)
    unknown = f"; not compared, as not known here: {', '.join(champion.unknown)}" if champion.unknown else ""
    numbers: dict[str, Any] = {"champion": champion.place, "changes": [vars(change) for change in changes]}
    if not changes:
        measured = f"none is looser than on {champion.place}{unknown}"
        return Finding("limits", "passed", measured, allowed), stricter
    measured = f"{len(changes)} looser than on {champion.place}{unknown}"
    if not replaces:
        return Finding("limits", "passed", measured, "reported, as there is no champion yet", "", numbers), params
    named = "; ".join(
        f"{change.key} is {change.challenger}, the champion's {change.champion}" for change in changes[:_MAX_CHANGES]
    )
    more = f"; and {len(changes) - _MAX_CHANGES} more" if len(changes) > _MAX_CHANGES else ""
    return Finding("limits", "rejected", measured, allowed, named + more, numbers), params if waived else stricter


def looser_limits(params: Params, task: Task, champion: ChampionLimits) -> tuple[list[Change], Params]:
    """Return the limits that are looser than the champion's, and the parameters with the stricter of both.

    If the main metric is another one, the champion's main metric and the losses that it allows are taken, as losses in
    two units cannot be compared.
    """
    changes: list[Change] = []
    chosen: dict[str, Any] = {}
    metrics = read_metric_set(task, params)
    known = metrics.directed
    main = METRICS[task][0].name if champion.metrics.main == "auto" else champion.metrics.main
    same_main = main == metrics.main.name
    if not same_main:
        here = metrics.main.name + ("" if main in known else f", and {main} is no metric any more")
        changes.append(Change("metrics.main", main, here))
    for key, better in STRICTER.items():
        before, here = _value(champion, key), _value(params, key)
        if key in _IN_THE_MAIN_METRICS_UNIT and not same_main:
            chosen[key] = before if main in known else here
            continue
        chosen[key] = _stricter(before, here, better)
        if chosen[key] != here:
            changes.append(Change(key, _shown(before), _shown(here)))
    for key in _HALVED:
        before, here = _value(champion, key), _value(params, key)
        chosen[key] = max(before, here)
        if here < before / 2:
            changes.append(Change(key, _shown(before), _shown(here)))
    floor_changes, floor = _looser_floor(params.gate.floor, champion.gate.floor, known)
    stricter = _with_limits(params, chosen, floor, main if main in known else params.metrics.main)
    return changes + floor_changes, stricter


def _looser_floor(
    here: dict[str, float], before: dict[str, float], metrics: dict[str, Metric]
) -> tuple[list[Change], dict[str, float]]:
    """Return the limits in `gate.floor` that are looser or were removed, and the stricter of both."""
    changes, floor = [], dict(here)
    for name, limit in before.items():
        if name not in metrics:
            changes.append(Change(f"gate.floor.{name}", _shown(limit), "no metric any more"))
        elif name not in here or metrics[name].sign * here[name] < metrics[name].sign * limit:
            changes.append(Change(f"gate.floor.{name}", _shown(limit), _shown(here.get(name))))
            floor[name] = limit
    return changes, floor


def limits_section(finding: Finding, waiver: Waiver | None) -> str:
    """Return, as Markdown, the limits that are looser; empty if there are none.

    Args:
        finding: the one on the limits.
        waiver: that accepts them; None if none does.
    """
    changes = finding.numbers.get("changes") or []
    if finding.result == "rejected" and not changes:
        return f"## ❌ The champion's limits are not known\n\n{escape(finding.why)}"
    if not changes:
        return ""
    place = finding.numbers["champion"]
    if waiver is not None:
        mark, note = "⚠️", f"Accepted: {escape(waiver.reason)} (by {escape(waiver.by)}). The limits here count."
    elif finding.result == "rejected":
        mark, note = (
            "❌",
            "Rejected, unless a waiver accepts the rule `limits` for this bundle. The stricter ones count.",
        )
    else:
        mark, note = "⚠️", "Nothing is released yet, so the limits here count."
    rows = [(code_span(change["key"]), escape(change["champion"]), escape(change["challenger"])) for change in changes]
    table = markdown_table(("limit", "there", "here"), rows)
    return f"## {mark} Limits of the gate are looser than on {place}\n\n{table}\n\n{note}"


def _value(sections: Params | ChampionLimits, key: str) -> Any:
    section, _, name = key.partition(".")
    return getattr(getattr(sections, section), name)


def _stricter(before: float | None, here: float | None, better: Literal["lower", "higher"]) -> float | None:
    if before is None or here is None:
        return here if before is None else before
    return min(before, here) if better == "lower" else max(before, here)


def _with_limits(params: Params, chosen: dict[str, Any], floor: dict[str, float], main: str) -> Params:
    sections = {}
    for name in ("gate", "evaluate"):
        values = {key.partition(".")[2]: value for key, value in chosen.items() if key.startswith(f"{name}.")}
        sections[name] = getattr(params, name).model_copy(update=values)
    sections["gate"] = sections["gate"].model_copy(update={"floor": floor})
    return params.model_copy(update=sections | {"metrics": MetricsParams(main=main)})


def _shown(value: float | None) -> str:
    return "no limit" if value is None else f"{value:g}"
