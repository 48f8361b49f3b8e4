"""What a pull request is told of its model, as Markdown."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cd4ml.evaluation.formatting import NOTHING, shown
from cd4ml.evaluation.markdown import code, plain, table

Report = Mapping[str, Any]


@dataclass(frozen=True)
class Side:
    """A model's reports as the pipeline wrote them; each is empty where there is none."""

    metrics: Report
    slices: Report


@dataclass(frozen=True)
class Base:
    """What the pull request's model is compared with."""

    branch: str
    revision: str
    same: bool
    """Whether it is the very same bundle."""
    side: Side


@dataclass(frozen=True)
class Told:
    """All that a comment tells."""

    model: bool
    """Whether there is one."""
    ours: Side
    base: Base | None
    problem: str = ""
    """Why the base is not known, where that is so."""
    gate: str = ""
    """The gate's own page; empty where it has not judged this bundle."""
    result: str = ""
    """How the job ended that judges the model; empty where there was none."""
    run: str = ""
    """The run's address."""
    fork: bool = False


def as_markdown(told: Told) -> str:
    """Return the comment."""
    if not told.model:
        sections = [
            "## No model yet\n\n`dvc.lock` names none. `make train` makes one, or the label `train` has `ct` make it.",
            _ended(told),
        ]
    else:
        sections = [_head(told), _ended(told), _left_out(told), _metrics(told), _slices(told)]
    return "\n\n".join(section for section in sections if section) + "\n"


def _head(told: Told) -> str:
    if told.base and told.base.same:
        return f"## The model stays as {code(told.base.branch)} has it"
    return told.gate.strip() or (
        "## The gate has not judged this model\n\n"
        "`make gate`, then commit `reports/`; or the label `train` has `ct` do all of it."
    )


def _ended(told: Told) -> str:
    if told.result in ("", "success"):
        return ""
    where = f"[this run]({told.run})" if told.run else "this run"
    return f"❌ The job that judges the model ended with **{plain(told.result)}**: see {where}."


def _left_out(told: Told) -> str:
    if not told.fork:
        return ""
    return (
        "Left out, because a fork's pull request is given no secret: whatever needs the data or the model. "
        "A maintainer who pushes the branch to this repository has `ci` run all of it."
    )


def _metrics(told: Told) -> str:
    if told.problem:
        return f"What it would replace is not known: {plain(told.problem)}"
    if told.base is None or told.base.same or not told.base.side.metrics or not told.ours.metrics:
        return ""
    ours, theirs = told.ours.metrics, told.base.side.metrics
    names = [name for name, value in ours.items() if isinstance(value, int | float) and name != "rows"]
    rows = [(code(name), f"**{shown(ours[name])}**", *_beside(ours[name], theirs.get(name))) for name in names]
    where = f"{code(told.base.branch)} at {code(told.base.revision[:7])}"
    return (
        f"### Metrics beside those of {where}\n\n"
        + table(("metric", "here", told.base.branch, "difference"), rows, right=(1, 2, 3))
        + f"\n\nEach on its own held-out rows, {_rows(ours)} here and {_rows(theirs)} there; "
        + "the gate compares both on the same."
    )


def _slices(told: Told) -> str:
    metric, slices = told.ours.slices.get("metric"), told.ours.slices.get("slices") or []
    if not slices or (told.base and told.base.same):
        return ""
    before = {}
    if told.base and told.base.side.slices.get("metric") == metric:
        before = {_name(one): one.get(metric) for one in told.base.side.slices.get("slices", ())}
    rows = [
        (plain(name), f"{one['rows']:,}", f"**{shown(one[metric])}**", *_beside(one[metric], before.get(name)))
        for name, one in ((_name(one), one) for one in slices)
    ]
    header = ("slice", "rows", f"{metric} here", told.base.branch if told.base else "before", "difference")
    body = table(header, rows, right=(1, 2, 3, 4))
    return f"<details><summary>{len(rows)} slices</summary>\n\n{body}\n\n</details>"


def _beside(ours: float | None, theirs: float | None) -> tuple[str, str]:
    if ours is None or theirs is None:
        return shown(theirs), NOTHING
    difference = shown(ours - theirs)
    return shown(theirs), difference if difference.startswith("\N{MINUS SIGN}") else f"+{difference}"


def _name(one: Report) -> str:
    return f"{one['column']}={one['value']}"


def _rows(metrics: Report) -> str:
    return f"{metrics['rows']:,}" if isinstance(metrics.get("rows"), int) else "some"
