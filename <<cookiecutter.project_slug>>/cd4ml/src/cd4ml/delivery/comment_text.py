"""Format the comment on a pull request as Markdown: gate, metrics and slices beside those of the live model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cd4ml.evaluation.formatting import NO_VALUE, format_number
from cd4ml.evaluation.markdown import code_span, escape, markdown_table

Report = Mapping[str, Any]


@dataclass(frozen=True)
class Reports:
    """A model's reports as the pipeline wrote them; each is empty if there is none."""

    metrics: Report
    slices: Report


@dataclass(frozen=True)
class Base:
    """The model that the pull request's model is compared with."""

    branch: str
    revision: str
    same: bool
    """Whether both are the same bundle."""
    reports: Reports


@dataclass(frozen=True)
class CommentData:
    """Everything that the comment is made from."""

    has_model: bool
    reports: Reports
    """Of the pull request's model."""
    base: Base | None
    base_error: str = ""
    """Why the base could not be read; empty if it could."""
    gate_table: str = ""
    """The gate's own Markdown; empty if it has not judged this bundle."""
    looser_limits: bool = False
    """Whether it begins with limits of the gate that are looser than the champion's."""
    job_result: str = ""
    """The result of the job that judges the model; empty if there was none."""
    run_url: str = ""
    fork: bool = False


def as_markdown(data: CommentData) -> str:
    """Return the comment's text."""
    if not data.has_model:
        sections = [
            "## No model yet\n\n`dvc.lock` names none. Run `make train`, or put the label `train` on the pull request.",
            _failed_job(data),
        ]
    else:
        sections = [_head(data), _failed_job(data), _left_out(data), _metrics(data), _slices(data)]
    return "\n\n".join(section for section in sections if section) + "\n"


def _head(data: CommentData) -> str:
    if data.base and data.base.same and not (data.looser_limits and data.gate_table):
        return f"## The model is the same as on {code_span(data.base.branch)}"
    return data.gate_table.strip() or (
        "## The gate has not judged this model\n\n"
        "Run `make gate` and commit `reports/`, or put the label `train` on the pull request."
    )


def _failed_job(data: CommentData) -> str:
    if data.job_result in ("", "success"):
        return ""
    run = f"[this run]({data.run_url})" if data.run_url else "this run"
    return f"❌ The job that judges the model ended with **{escape(data.job_result)}**: see {run}."


def _left_out(data: CommentData) -> str:
    if not data.fork:
        return ""
    return (
        "Whatever needs the data or the model was skipped, because a pull request from a fork gets no secrets. "
        "A maintainer who pushes the branch to this repository makes `ci` run all of it."
    )


def _metrics(data: CommentData) -> str:
    if data.base_error:
        return f"The model that it would replace is not known: {escape(data.base_error)}"
    if data.base is None or data.base.same or not data.base.reports.metrics or not data.reports.metrics:
        return ""
    new, old = data.reports.metrics, data.base.reports.metrics
    names = [name for name, value in new.items() if isinstance(value, int | float) and name != "rows"]
    rows = [
        (code_span(name), f"**{format_number(new[name])}**", *_compared(new[name], old.get(name))) for name in names
    ]
    base = f"{code_span(data.base.branch)} at {code_span(data.base.revision[:7])}"
    return (
        f"### Metrics beside those of {base}\n\n"
        + markdown_table(("metric", "here", data.base.branch, "difference"), rows, right=(1, 2, 3))
        + f"\n\nEach on its own test set, {_rows(new)} rows here and {_rows(old)} there; "
        + "the gate compares both on the same rows."
    )


def _slices(data: CommentData) -> str:
    metric, slices = data.reports.slices.get("metric"), data.reports.slices.get("slices") or []
    if not slices or (data.base and data.base.same):
        return ""
    before = {}
    if data.base and data.base.reports.slices.get("metric") == metric:
        before = {_name(part): part.get(metric) for part in data.base.reports.slices.get("slices", ())}
    rows = [
        (
            escape(name),
            f"{part['rows']:,}",
            f"**{format_number(part[metric])}**",
            *_compared(part[metric], before.get(name)),
        )
        for name, part in ((_name(part), part) for part in slices)
    ]
    header = ("slice", "rows", f"{metric} here", data.base.branch if data.base else "before", "difference")
    body = markdown_table(header, rows, right=(1, 2, 3, 4))
    return f"<details><summary>{len(rows)} slices</summary>\n\n{body}\n\n</details>"


def _compared(new: float | None, old: float | None) -> tuple[str, str]:
    """Return the old value, and the difference between both."""
    if new is None or old is None:
        return format_number(old), NO_VALUE
    difference = format_number(new - old)
    return format_number(old), difference if difference.startswith("\N{MINUS SIGN}") else f"+{difference}"


def _name(part: Report) -> str:
    return f"{part['column']}={part['value']}"


def _rows(metrics: Report) -> str:
    return f"{metrics['rows']:,}" if isinstance(metrics.get("rows"), int) else "some"
