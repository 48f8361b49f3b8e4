"""The pictures of the report: distributions side by side, the main metric by period, and what came by day."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from cd4ml.evaluation.formatting import NO_VALUE
from cd4ml.evaluation.pictures import BLUE, GREY, ORANGE
from cd4ml.monitoring.newest import newest_judged, whole
from cd4ml.monitoring.page.bin_shares import BinShares
from cd4ml.monitoring.page.inline_svg import PALE, PAPER, TEXT

_LONGEST = 16  # characters of a name on an axis


def draw_distribution(axes: Any, bins: BinShares, side: str) -> None:
    """Draw the newest period's shares as bars, and the shares of one other side as their outline."""
    other, positions = bins.others[side], range(len(bins.now))
    edges = [number - 0.5 for number in range(len(bins.now) + 1)]
    colors = [ORANGE if number in bins.outside else BLUE for number in positions]
    if bins.is_ordered:
        axes.bar(positions, bins.now, width=0.84, color=colors)
        axes.stairs(other, edges, color=TEXT, linewidth=1.6)
        axes.set_xticks([position for position, _ in bins.ticks], [text for _, text in bins.ticks])
        axes.set(ylim=(0, bins.largest * 1.08), xlim=(-0.6, len(bins.now) - 0.4))
        _in_percent(axes.yaxis)
    else:
        axes.barh(positions, bins.now, height=0.76, color=BLUE)
        axes.stairs(other, edges, orientation="horizontal", color=TEXT, linewidth=1.6)
        axes.set_yticks(positions, [shortened(label) for label in bins.labels])
        axes.set(xlim=(0, bins.largest * 1.08), ylim=(len(bins.now) - 0.4, -0.6))
        axes.grid(visible=False, axis="y")
        axes.grid(visible=True, axis="x")
        _in_percent(axes.xaxis)


def draw_timeline(axes: Any, document: Mapping[str, Any], *, most_ticks: int) -> None:
    """Draw the main metric by period: with its interval, the test set's, what was expected, and the releases."""
    metric, periods = document["metric"], document["periods"]
    name, reference, times = metric["name"], metric["on_test_set"], [_middle(period) for period in periods]
    if reference is not None:
        if band := metric["interval_on_test_set"]:
            axes.axhspan(band["low"], band["high"], color=GREY, alpha=0.14, linewidth=0)
        axes.axhline(reference, color=GREY, linestyle="--", linewidth=1.2)
        axes.axhline(limit_of(metric), color=GREY, linestyle=":", linewidth=1.6)
    measured = [_value(period, "metrics", name) for period in periods]
    expected = [_value(period, "expected", name) for period in periods]
    _draw_expected(axes, times, measured, expected)
    axes.plot(times, measured, color=BLUE, linewidth=1.2, alpha=0.5)
    judged = newest_judged(document)
    for time, value, period in zip(times, measured, periods, strict=True):
        if interval := whole((period["performance"] or {}).get("interval")):
            axes.vlines(time, interval["low"], interval["high"], color=BLUE, linewidth=2)
        complete = judged is not None and period["last"] <= judged["last"]
        axes.plot([time], [value], color=BLUE, marker="o", markersize=7, markerfacecolor=BLUE if complete else PAPER)
    first, last = _day(periods[0]["first"]), _day(periods[-1]["last"]) + timedelta(days=1)
    for number, release in enumerate(releases_within(document), 1):
        time = _in_utc(release["time"])
        axes.axvline(time, color=TEXT, linewidth=1, linestyle="-.")
        axes.annotate(str(number), (time, 1), xycoords=("data", "axes fraction"), ha="center", va="bottom", color=TEXT)
    axes.set_xlim(first, last)
    step = -(-len(periods) // most_ticks)
    axes.set_xticks(times[::-1][::step], [_span(period) for period in periods[::-1][::step]])


def _draw_expected(axes: Any, times: Sequence[datetime], measured: Sequence[float], expected: Sequence[float]) -> None:
    """Draw what was expected, a little to the right of what was realised, and the gap between both."""
    beside = [time + (times[1] - times[0]) / 10 for time in times]
    axes.vlines(beside, measured, expected, color=ORANGE, linewidth=1)
    axes.plot(beside, expected, color=ORANGE, marker="D", markersize=5.5, markerfacecolor=PAPER, linestyle="none")


def draw_by_day(
    axes: Any, values: Mapping[date, float], highlighted: tuple[date, date], *, in_percent: bool = False
) -> None:
    """Draw a bar for each day, those of the newest period in colour."""
    newest = {day: value for day, value in values.items() if highlighted[0] <= day <= highlighted[1]}
    earlier = {day: value for day, value in values.items() if day not in newest}
    axes.bar([*earlier], [*earlier.values()], width=0.8, color=PALE)
    axes.bar([*newest], [*newest.values()], width=0.8, color=BLUE)
    days = [*values]
    step = max(1, -(-len(days) // 5))
    axes.set_xticks(days[::-1][::step], [f"{day.day} {day:%b}" for day in days[::-1][::step]])
    axes.set_xlim(days[0] - timedelta(days=1), days[-1] + timedelta(days=1))
    if in_percent:
        axes.set_ylim(0, 1.05)
        _in_percent(axes.yaxis)
    else:
        axes.yaxis.set_major_locator(_locator(4, integer=True))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")


def limit_of(metric: Mapping[str, Any]) -> float:
    """Return the value of the main metric beyond which it is a loss."""
    reference: float = metric["on_test_set"]
    allowed: float = metric["max_loss"] * (reference if metric["loss_is_share"] else 1)
    return reference - allowed if metric["better"] == "higher" else reference + allowed


def releases_within(document: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the releases in the days that are shown, the oldest first."""
    first, last = document["periods"][0]["first"], document["periods"][-1]["last"]
    times = [(str(_in_utc(each["time"]).date()), each) for each in reversed(document["model"]["releases"])]
    return [{**each, "day": day} for day, each in times if first <= day <= last]


def shortened(text: str) -> str:
    """Return a name that is short enough for an axis."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _value(period: Mapping[str, Any], part: str, name: str) -> float:
    value = ((period["performance"] or {}).get(part) or {}).get(name)
    return float("nan") if value is None else float(value)


def _middle(period: Mapping[str, Any]) -> datetime:
    first, last = _day(period["first"]), _day(period["last"]) + timedelta(days=1)
    return first + (last - first) / 2


def _span(period: Mapping[str, Any]) -> str:
    first, last = _day(period["first"]), _day(period["last"])
    start = f"{first.day}" if first.month == last.month else f"{first.day} {first:%b}"
    return f"{last.day} {last:%b}" if first == last else f"{start}{NO_VALUE}{last.day} {last:%b}"


def _in_utc(text: str) -> datetime:
    """Return a time without its zone, which is UTC if none is named, as dates on an axis have none."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo is None else time.astimezone(UTC).replace(tzinfo=None)


def _day(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _in_percent(axis: Any) -> None:
    axis.set_major_locator(_locator(3))
    axis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")


def _locator(most: int, *, integer: bool = False) -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(most, integer=integer, prune="lower")  # 0 would touch the first text of the other axis


def sequence_of_days(by_day: Mapping[str, float], first: str, last: str) -> dict[date, float]:
    """Return a number for each day from `first` to `last`, 0 for one that is not named."""
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    days: Sequence[date] = [start + timedelta(days=number) for number in range((end - start).days + 1)]
    return {day: by_day.get(str(day), 0) for day in days}
