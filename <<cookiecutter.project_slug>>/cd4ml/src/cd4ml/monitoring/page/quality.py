"""What the report says of how good the answers were: by period, beside what was expected, and by slice."""

from collections.abc import Iterator, Mapping
from typing import Any

from cd4ml.evaluation.formatting import NO_VALUE, format_interval, format_number, format_percent
from cd4ml.monitoring.newest import newest_judged, whole
from cd4ml.monitoring.page.inline_svg import inline_svg
from cd4ml.monitoring.page.pictures import draw_timeline, limit_of, releases_within

WIDE, NARROW = (800, 290), (328, 230)  # pixels: of a page, and of a phone
_MOST_SLICES = 8


def quality_facts(document: Mapping[str, Any], numbers: Iterator[int]) -> dict[str, Any] | None:
    """Return the timeline and its table; None if no period has an outcome."""
    if not any(period["performance"] for period in document["periods"]):
        return None
    metric, judged = document["metric"], newest_judged(document)
    unit = f" in {metric['unit']}" if metric["unit"] else ""
    label = f"{metric['label']}{unit} by period, beside the test set's; the table below has the numbers."
    pictures = [
        inline_svg(lambda axes: draw_timeline(axes, document, most_ticks=6), WIDE, label, next(numbers), "wide"),
        inline_svg(lambda axes: draw_timeline(axes, document, most_ticks=3), NARROW, label, next(numbers), "narrow"),
    ]
    return {
        "label": f"{metric['label']}{unit}",
        "better": metric["better"],
        "pictures": pictures,
        "sentence": None if judged is None else _sentence(judged, metric),
        "gap": None if judged is None else _gap(judged, metric),
        "expects": any((period["performance"] or {}).get("expected") for period in document["periods"]),
        "on_test_set": metric["on_test_set"],
        "interval_on_test_set": metric["interval_on_test_set"],
        "limit": None if metric["on_test_set"] is None else limit_of(metric),
        "period_rows": [_period_row(period, metric["name"]) for period in reversed(document["periods"])],
        "releases": [*enumerate(releases_within(document), 1)],
        "waiting": judged is not None and judged is not document["periods"][-1],
    }


def _sentence(judged: Mapping[str, Any], metric: Mapping[str, Any]) -> str:
    found = judged["performance"]
    value, reference, interval = found["metrics"][metric["name"]], metric["on_test_set"], found["interval"]
    known = f" (95 % interval {format_interval(whole(interval))})" if whole(interval) else ""
    start = f"{metric['label']} is {format_number(value)}{known} on {found['rows']:,} outcomes"
    if value is None or reference is None:
        return f"{start}."
    if _inside(reference, interval):
        return f"{start}; on the test set it was {format_number(reference)}, which is inside the interval."
    better = (value - reference) * (1 if metric["better"] == "higher" else -1) > 0
    return f"{start}, {'better' if better else 'worse'} than on the test set, where it was {format_number(reference)}."


def _inside(value: float, interval: Mapping[str, float | None] | None) -> bool:
    known = whole(interval)
    return known is not None and known["low"] <= value <= known["high"]


def _gap(judged: Mapping[str, Any], metric: Mapping[str, Any]) -> str | None:
    """Return what the gap between the expected and the realised value says; None if nothing was expected."""
    found, name = judged["performance"], metric["name"]
    value, expected, interval = found["metrics"][name], (found["expected"] or {}).get(name), found["interval"]
    if value is None or expected is None:
        return None if found["expected"] is None else "What to expect of these inputs cannot be told."
    start = f"If only the inputs had changed, {format_number(expected)} would be expected"
    if _inside(expected, interval):
        return f"{start}: inside the interval of what was realised, so that there is no sign of concept drift."
    gap = format_number(abs(expected - value))
    return (
        f"{start}; {format_number(value)} was realised. The gap of {gap} is called concept drift: one of the "
        "assumptions below does not hold any more."
    )


def _period_row(period: Mapping[str, Any], name: str) -> list[str]:
    found = period["performance"] or {"metrics": {}, "interval": None, "expected": None, "baseline": None}
    value, expected = found["metrics"].get(name), (found["expected"] or {}).get(name)
    return [
        f"{period['first']} to {period['last']}",
        f"{period['rows']:,}",
        format_percent(period["labelled_share"] or 0.0),
        format_number(value),
        format_interval(whole(found["interval"])),
        format_number(expected),
        format_number(None if value is None or expected is None else value - expected),
        format_number(found["baseline"]),
        ", ".join(period["by_version"]) or NO_VALUE,
    ]


def slice_facts(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the slices that lost most, and how many were compared."""
    slices, metric = document["slices"], document["metric"]
    lost = [each for each in slices if each["loss"] > 0][:_MOST_SLICES]
    most = max((each["loss"] for each in lost), default=1.0)
    return {
        "label": metric["label"],
        "compared": "one slice" if len(slices) == 1 else f"{len(slices):,} slices",
        "any": bool(slices),
        "lost": [_slice_facts(each, metric, most) for each in lost],
        "sure": sum(beyond_chance(each, metric) for each in slices),
    }


def _slice_facts(each: Mapping[str, Any], metric: Mapping[str, Any], most: float) -> dict[str, Any]:
    loss = format_percent(each["loss"]) if metric["loss_is_share"] else format_number(each["loss"])
    return {
        **each,
        "name": slice_name(each),
        "loss_text": loss,
        "width": f"{100 * each['loss'] / most:.0f}",
        "sure": beyond_chance(each, metric),
        "moved": [column["name"] for column in each.get("columns", [])],
    }


def slice_name(each: Mapping[str, Any]) -> str:
    """Return a slice's condition, such as heating = gas."""
    value = {None: "null", True: "true", False: "false"}.get(each["value"], each["value"])
    return f"{each['column']} = {value}"


def beyond_chance(each: Mapping[str, Any], metric: Mapping[str, Any]) -> bool:
    """Return whether a slice lost more than its interval explains."""
    interval = whole(each["interval"])
    if interval is None:
        return False
    best = interval["high"] if metric["better"] == "higher" else interval["low"]
    return bool(best < each["on_test_set"] if metric["better"] == "higher" else best > each["on_test_set"])
