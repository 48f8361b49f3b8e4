"""The replay as a table for the terminal and as JSON for programs."""

from collections.abc import Sequence
from typing import Any

from cd4ml.evaluation.formatting import format_number
from cd4ml.evaluation.metric_set import MetricSet
from cd4ml.evaluation.metric_table import Metric
from cd4ml.evaluation.results import round_significant
from cd4ml.replay.hindsight import POLICIES, MonthScores, gain, mean_of
from cd4ml.replay.live_year import Step
from cd4ml.replay.months import name_of
from cd4ml.replay.retraining import Decision
from cd4ml.terminal.output import align

_LONGEST = 90  # letters of a reason in the table; decisions.json has all of it


def reported_metrics(metrics: MetricSet) -> list[Metric]:
    """Return the main metric, and beside it the one that reacts to each error: log loss, or the squared error."""
    second = metrics.directed.get("log_loss") or metrics.directed.get("rmse")
    return [metrics.main, *([second] if second and second is not metrics.main else [])]


def decisions(first: Decision, steps: Sequence[Step]) -> dict[str, Any]:
    """Return the content of decisions.json: all that was known and decided, and nothing that came later."""
    return {"first": first.as_json(), "months": [step.as_json() for step in steps]}


def outcome(months: Sequence[MonthScores], metrics: MetricSet) -> dict[str, Any]:
    """Return the content of replay.json: each policy's metrics by month, their means, and the live one's gains."""
    reported = reported_metrics(metrics)
    return {
        "metrics": [{"name": metric.name, "label": metric.label, "better": metric.better} for metric in reported],
        "months": [
            {
                "month": month.month,
                "rows": month.rows,
                "best": month.best,
                "values": {
                    policy: {metric.name: round_significant(month.values[policy][metric.name]) for metric in reported}
                    for policy in POLICIES
                },
            }
            for month in months
        ],
        "means": {
            policy: {metric.name: round_significant(mean_of(months, policy, metric.name)) for metric in reported}
            for policy in POLICIES
        },
        "gains": {other: {metric.name: gain(months, other, metric) for metric in reported} for other in POLICIES[1:]},
    }


def as_text(steps: Sequence[Step], result: dict[str, Any]) -> str:
    """Return the table of the months, and how the live model compares."""
    name = result["metrics"][0]["name"]
    by_month = {month["month"]: month for month in result["months"]}
    rows: list[tuple[str, ...]] = [("month", "monitoring", *POLICIES, "then", "why")]
    for step in steps:
        values = by_month.get(name_of(step.month), {}).get("values", {})
        cells = [format_number(values[policy][name]) if values else "" for policy in POLICIES]
        rows.append((name_of(step.month), _monitoring(step), *cells, *_decision(step)))
    means = [format_number(result["means"][policy][name]) for policy in POLICIES]
    rows.append(("mean", "", *means, "", ""))
    lines = [f"{name} of the live model, the first one, the newest one, and the best in hindsight", align(rows), ""]
    for other, words in (
        ("frozen", "than the first model"),
        ("always", "than always the newest"),
        ("best", "than the best"),
    ):
        lines += [_gain_line(metric, words, result["gains"][other][metric["name"]]) for metric in result["metrics"]]
    return "\n".join(lines)


def _monitoring(step: Step) -> str:
    checks = dict.fromkeys(f"{level} {check}" for level, check, _ in step.alarms)
    return ", ".join(checks) or step.level


def _decision(step: Step) -> tuple[str, str]:
    if step.decision is None:
        return "", ""
    reason = step.decision.reason
    short = reason if len(reason) <= _LONGEST else f"{reason[:_LONGEST]}..."
    return ("promoted" if step.decision.promoted else "refused"), short


def _gain_line(metric: dict[str, Any], words: str, found: dict[str, float]) -> str:
    value, low, high = (f"{found[key]:+.4f}".replace("-", "\N{MINUS SIGN}") for key in ("gain", "low", "high"))
    return f"live better {words:<24} {metric['name']:<9} {value} [{low}, {high}]"
