"""What the report says of the figures at its top, of the outcomes, and of the volume."""

from collections.abc import Iterator, Mapping
from datetime import date
from statistics import median
from typing import Any

from cd4ml.evaluation.formatting import NO_VALUE, format_interval, format_number, format_percent
from cd4ml.monitoring.newest import newest_judged, whole
from cd4ml.monitoring.page.inline_svg import inline_svg
from cd4ml.monitoring.page.pictures import draw_by_day, sequence_of_days

_WIDE, _NARROW = (800, 150), (328, 130)  # pixels


def tile_facts(document: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the figures at the top: what each is called, its value, and what to compare it with."""
    metric, judged, newest = document["metric"], newest_judged(document), document["periods"][-1]
    quality = {"name": metric["label"], "value": NO_VALUE, "beside": "no period has enough outcomes"}
    if judged:
        found = judged["performance"]
        quality["name"] += "" if judged is newest else f", until {judged['last']}"
        quality["value"] = format_number(found["metrics"][metric["name"]])
        quality["beside"] = (
            f"{format_interval(whole(found['interval']))}; {format_number(metric['on_test_set'])} on the test set"
        )
    earlier = [period["rows"] for period in document["periods"][:-1] if period["rows"]]
    outcomes, predictions = document["outcomes"], document["predictions"]
    delay = outcomes["delay_days"]
    complete = "no day is complete yet" if delay is None else f"complete after {_in_days(delay)}"
    return [
        quality,
        {
            "name": "Predictions",
            "value": f"{newest['rows']:,}",
            "beside": f"usually {median(earlier):,.0f}" if earlier else "no earlier period to compare with",
        },
        {"name": "Outcomes arrived", "value": format_percent(newest["labelled_share"] or 0.0), "beside": complete},
        {
            "name": "Drift of predictions",
            "value": f"{predictions['index']:.2f}" if predictions["rows"] else NO_VALUE,
            "beside": "stability index; 0.25 is a large change",
        },
    ]


def outcome_facts(document: Mapping[str, Any], numbers: Iterator[int]) -> dict[str, Any]:
    """Return how many answers have an outcome, by day, and how long that takes."""
    outcomes = document["outcomes"]
    days, delay = outcomes["by_day"], outcomes["delay_days"]
    shares = {each["day"]: each["labelled"] / each["answered"] for each in days if each["answered"]}
    return {
        "pictures": _by_day(document, shares, "Share of the predictions with a known outcome, by day.", numbers, True)
        if days
        else [],
        "usual_share": outcomes["usual_share"],
        "delay": None if delay is None else _in_days(delay),
        "day_rows": [
            (
                each["day"],
                f"{each['answered']:,}",
                f"{each['labelled']:,}",
                format_percent(shares.get(each["day"], 0.0)),
            )
            for each in reversed(days)
        ],
    }


def volume_facts(document: Mapping[str, Any], numbers: Iterator[int]) -> dict[str, Any]:
    """Return how many predictions there were, by day."""
    by_day = {day: rows for period in document["periods"] for day, rows in period["by_day"].items()}
    return {
        "pictures": _by_day(document, by_day, "Predictions by day.", numbers, False) if by_day else [],
        "tests": document["periods"][-1]["tests"],
        "day_rows": [(day, f"{rows:,}") for day, rows in sorted(by_day.items(), reverse=True)],
    }


def _by_day(
    document: Mapping[str, Any], by_day: Mapping[str, float], label: str, numbers: Iterator[int], in_percent: bool
) -> list[Any]:
    periods = document["periods"]
    known = sequence_of_days(by_day, periods[0]["first"], periods[-1]["last"])
    newest = (date.fromisoformat(periods[-1]["first"]), date.fromisoformat(periods[-1]["last"]))
    label = f"{label} The table below has the numbers."
    return [
        inline_svg(
            lambda axes: draw_by_day(axes, known, newest, in_percent=in_percent), size, label, next(numbers), name
        )
        for size, name in ((_WIDE, "wide"), (_NARROW, "narrow"))
    ]


def _in_days(days: int) -> str:
    return f"{days:,} day{'s' * (days != 1)}"
