"""Write the model card's sections about quality: every metric beside the baseline's, and the main metric by slice."""

from collections.abc import Sequence
from typing import Any

from cd4ml.contract.contract import Contract, Task
from cd4ml.evaluation.formatting import format_interval, format_number
from cd4ml.evaluation.markdown import code_span, escape, markdown_table
from cd4ml.evaluation.metric_set import MetricSet
from cd4ml.evaluation.metric_table import Metric

_MAX_SLICES = 15
_MEANS_HEADER = {
    "binary": ("mean probability", "observed share"),
    "multiclass": ("mean probability of the prediction",),
    "regression": ("mean prediction", "mean outcome"),
}


def quality_section(contract: Contract, results: dict[str, Any], metrics: MetricSet) -> str:
    """Return the section with every metric, its interval and the baseline's value.

    Args:
        contract: of the bundle.
        results: the content of reports/metrics.json.
        metrics: those in it.
    """
    task = contract.task
    unit = f" ({escape(contract.target.unit)})" if contract.target.unit else ""
    rows = [
        (
            metric.label + (unit if metric.of_target else ""),
            f"**{format_number(results[metric.name])}**",
            format_interval(results["intervals"][metric.name]),
            format_number(results["baseline"][metric.name]),
            metric.better,
        )
        for metric in metrics.all
    ]
    header = ("metric", "this model", "95 % interval", "baseline", "better")
    table = markdown_table(header, rows, right=(1, 2, 3))
    descriptions = "\n".join(_description(metric) for metric in metrics.all)
    return (
        f"## Quality on the test set\n\n{summary_sentence(results, metrics.main)}\n\n{table}\n\n"
        f"The baseline {_baseline_description(task)}. The 95 % interval comes from the bootstrap: it shows how much "
        "the metric varies between test sets of this size with rows of this kind. It does not cover rows of another "
        "kind.\n\n"
        f"<details><summary>What each metric means</summary>\n\n{descriptions}\n\n</details>"
    )


def summary_sentence(results: dict[str, Any], metric: Metric) -> str:
    """Return one sentence on whether the model is significantly better than the baseline, with the main metric."""
    value, baseline = results[metric.name], results["baseline"][metric.name]
    interval = results["intervals"][metric.name]
    if value is None or baseline is None or interval is None:
        return f"**{metric.label} cannot be computed on this test set**: it has too few rows of one outcome."
    sign = metric.sign
    nearest_end = interval["low"] if sign == 1 else interval["high"]
    values = f"{metric.label} is {format_number(value)}; the baseline has {format_number(baseline)}"
    if sign * (value - baseline) <= 0:
        return f"**Not better than the baseline.** {values}."
    if sign * (nearest_end - baseline) <= 0:
        return f"**Not significantly better than the baseline.** {values}, which is inside the 95 % interval."
    return f"**Significantly better than the baseline.** {values}."


def _description(metric: Metric) -> str:
    if metric.function is None:
        return f"- **{metric.label}** {metric.description}."
    return f"- **{escape(metric.label)}**: {escape(metric.description)}."


def _baseline_description(task: Task) -> str:
    if task == "regression":
        return (
            "always predicts the median of the training set; for the metrics of squared errors, R² and bias, its mean"
        )
    return "always predicts the shares of the classes in the training set, and so the most common class"


def slices_section(slices: dict[str, Any], task: Task, metric: Metric) -> str:
    """Return the section with the main metric of each slice, the worst first.

    Args:
        slices: the content of reports/slices.json.
        task: of the contract.
        metric: the main one.
    """
    overall = slices["overall"]
    if not slices["slices"]:
        return "## Quality by slice\n\nNo column has few enough values, or values with enough rows, to form slices."
    defined = [part for part in slices["slices"] if part[metric.name] is not None]
    worst_first = sorted(defined, key=lambda part: metric.sign * part[metric.name])
    header = ("column", "value", "rows", metric.label, "95 % interval", *_MEANS_HEADER[task], "")
    rows = [_slice_row(part, metric, overall, task) for part in worst_first[:_MAX_SLICES]]
    others = len(slices["slices"]) - len(rows)
    more = f" The other {others} are in [slices.json](slices.json)." if others else ""
    return (
        f"## Quality by slice\n\n{metric.label} on the whole test set is {format_number(overall)}. The slices are "
        "sorted from worst to best. A mark shows that this value is outside the slice's interval; by chance alone, "
        f"that is so for one slice in twenty.{more}\n\n{markdown_table(header, rows, right=range(2, len(header) - 1))}"
    )


def _slice_row(part: dict[str, Any], metric: Metric, overall: float, task: Task) -> Sequence[str]:
    mark, interval = "", part["interval"]
    if interval and not interval["low"] <= overall <= interval["high"]:
        above = interval["low"] > overall
        mark = "▲\N{NO-BREAK SPACE}better" if above == (metric.better == "higher") else "▼\N{NO-BREAK SPACE}worse"
    names = {None: "null", True: code_span("true"), False: code_span("false")}
    value = names[part["value"]] if part["value"] in names else code_span(part["value"])
    means = [format_number(part["predicted"]), format_number(part["actual"])][: len(_MEANS_HEADER[task])]
    metric_cells = (format_number(part[metric.name]), format_interval(interval), *means)
    return (code_span(part["column"]), value, f"{part['rows']:,}", *metric_cells, mark)
