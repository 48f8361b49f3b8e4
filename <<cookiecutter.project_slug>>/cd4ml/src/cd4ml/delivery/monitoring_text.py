"""What monitoring found as Markdown, for a run's summary and for the issue: figures of many rows, and never a row."""

from collections.abc import Iterable, Mapping
from typing import Any

from cd4ml.evaluation.formatting import format_percent
from cd4ml.evaluation.markdown import escape, markdown_table

_TELL = {"page": "**act**", "warn": "look", "not judged": "not judged", "fine": "fine"}


def as_markdown(document: Mapping[str, Any]) -> str:
    """Return the findings as a table, the worst first, below what they were judged by.

    Args:
        document: the content of monitoring.json.
    """
    return "\n\n".join([f"## {_heading(document)}", what_was_judged(document), findings_table(document["findings"])])


def as_lines(document: Mapping[str, Any]) -> str:
    """Return the findings for a log, the worst first."""
    model = document["model"]
    lines = [f"{model['name']} {model['version']}, {document['day']}: {document['level']}"]
    return "\n".join(
        [*lines, *(f"  {each['level']}: {' '.join(each['sentence'].split())}" for each in document["findings"])]
    )


def findings_table(findings: Iterable[Mapping[str, Any]]) -> str:
    """Return a table of findings: what each says, and what to do."""
    rows = [
        (
            _TELL[each["level"]],
            escape(each["check"]),
            quiet(each["sentence"]),
            quiet(each["advice"]) if each["level"] in ("page", "warn") else "",
        )
        for each in findings
    ]
    return markdown_table(("", "check", "what was found", "what to do"), rows)


def what_was_judged(document: Mapping[str, Any]) -> str:
    """Return how many predictions and outcomes were judged, and what was too little to judge."""
    newest = document["periods"][-1]
    lines = [f"{newest['rows']:,} predictions from {newest['first']} to {newest['last']}."]
    judged = next((each for each in document["periods"] if each["judged"]), None)
    if judged is None:
        lines.append("Too few outcomes are known to judge how good the predictions were.")
    else:
        rows, share = judged["performance"]["rows"], format_percent(judged["labelled_share"])
        lines.append(
            f"How good the predictions were is judged from {judged['first']} to {judged['last']}, "
            f"by {rows:,} outcomes; {share} of those that are expected are known."
        )
    return " ".join(lines)


def _heading(document: Mapping[str, Any]) -> str:
    model = document["model"]
    return f"{quiet(model['name'])} {quiet(model['version'])}, {document['day']}: {document['level']}"


def quiet(text: object) -> str:
    """Return text in which GitHub finds neither markup nor a person to notify."""
    return escape(text).replace("@", "@<!-- -->")
