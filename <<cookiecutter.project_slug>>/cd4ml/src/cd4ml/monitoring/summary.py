"""Write summary.md, for the summary of a workflow's run and for an issue: what was found, as aggregates only."""

from collections.abc import Iterable, Mapping
from typing import Any

from cd4ml.evaluation.formatting import NO_VALUE, format_interval, format_number, format_percent
from cd4ml.evaluation.markdown import code_span, markdown_table, quiet
from cd4ml.monitoring.newest import findings_at, newest_judged, whole
from cd4ml.monitoring.verdict import WORDS, verdict

_MOST_SLICES = 3


def summary(document: Mapping[str, Any]) -> str:
    """Return the Markdown: the verdict, the findings with the worst first, a few figures, the slices that lost most."""
    model = document["model"]
    parts = [
        f"### {quiet(model['name'])}, {document['periods'][-1]['first']} to {document['day']}",
        f"**{quiet(verdict(document))}**",
        findings_table(findings_at(document, *WORDS)),
        figures_table(document),
    ]
    if lost := [each for each in document["slices"] if each["loss"] > 0][:_MOST_SLICES]:
        name = quiet(document["metric"]["label"])
        rows = [
            (_slice(each), f"{each['rows']:,}", format_number(each["metric"]), format_number(each["on_test_set"]))
            for each in lost
        ]
        header = ("slice that lost most", "outcomes", name, "on the test set")
        parts.append(markdown_table(header, rows, right=(1, 2, 3)))
    parts.append("The page `report.html` has the pictures, `monitoring.json` every figure.")
    return "\n\n".join(parts)


def findings_table(findings: Iterable[Mapping[str, Any]]) -> str:
    """Return a table of findings: what each asks for, what it says, and what to do about it."""
    rows = [
        (WORDS[each["level"]], quiet(each["check"]), quiet(each["sentence"]), quiet(each["advice"]))
        for each in findings
    ]
    return markdown_table(("level", "check", "what was found", "what to do"), rows)


def figures_table(document: Mapping[str, Any]) -> str:
    """Return a table of the newest predictions and outcomes, and of how good the model was by them."""
    newest, judged, metric = document["periods"][-1], newest_judged(document), document["metric"]
    outcomes, predictions = document["outcomes"], document["predictions"]
    delay = outcomes["delay_days"]
    rows = [
        ("model", code_span(document["model"]["version"])),
        ("predictions", f"{newest['rows']:,}"),
        ("outcomes that have arrived", format_percent(newest["labelled_share"] or 0.0)),
        ("outcomes are complete after", NO_VALUE if delay is None else f"{delay} days"),
        ("the predictions' stability index", format_number(predictions["index"] if predictions["rows"] else None)),
    ]
    if judged:
        performance, name = judged["performance"], metric["name"]
        value = f"{format_number(performance['metrics'][name])} ({format_interval(whole(performance['interval']))})"
        expected = (performance["expected"] or {}).get(name)
        rows += [
            (f"{quiet(metric['label'])}, {judged['first']} to {judged['last']}", value),
            ("on the test set", format_number(metric["on_test_set"])),
            ("expected if only the inputs had changed", format_number(expected)),
        ]
    return markdown_table(("figure", "value"), rows)


def _slice(each: dict[str, Any]) -> str:
    value = "null" if each["value"] is None else str(each["value"])
    return f"{code_span(each['column'])} = {code_span(value)}"
