"""What was measured, judged: each finding says what changed, how much that is, and what to do."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from math import hypot, isfinite, sqrt
from statistics import median
from typing import Any, Literal

from cd4ml.evaluation.formatting import format_number, format_percent
from cd4ml.evaluation.metric_set import MetricSet
from cd4ml.monitoring.newest import whole
from cd4ml.monitoring.performance import loss_against
from cd4ml.monitoring.release_reports import interval_of, metric_of
from cd4ml.monitoring.served import ColumnCounts, Served
from cd4ml.settings.monitor_params import MonitorParams

Level = Literal["page", "warn", "not judged", "fine"]
LEVELS: tuple[Level, ...] = ("page", "warn", "not judged", "fine")
"""From the one to look at first on. Page: somebody must act. Warn: look when you have time."""
RETRAIN = frozenset({"loss", "data", "model"})
"""The checks that a new model may mend."""
_RARE_ONES = 1.5  # times as many rows with one of the categories that are not on record is no reason to alarm
_ERRORS = 3.0  # standard errors that a share must be beyond its limit: chance reaches that once in 700 cases


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    level: Level
    check: str
    sentence: str
    advice: str = ""
    column: str = ""
    numbers: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it for monitoring.json, which has null for what is not finite."""
        numbers = {name: None if _is_infinite(value) else value for name, value in self.numbers.items()}
        return asdict(self) | {"numbers": numbers}


def _is_infinite(value: object) -> bool:
    return isinstance(value, float) and not isfinite(value)


def worst(findings: Sequence[Finding]) -> Level:
    """Return the level to look at first; fine without findings."""
    return min((finding.level for finding in findings), key=LEVELS.index, default="fine")


def in_order(findings: Sequence[Finding]) -> list[Finding]:
    """Return findings, the worst first."""
    return sorted(findings, key=lambda finding: LEVELS.index(finding.level))


def check_columns(served: Served, profile: Mapping[str, Any], params: MonitorParams) -> Iterator[Finding]:
    """Compare each column's nulls, unknown categories and numbers out of range with the training set."""
    if served.rows < params.minimum_rows:
        yield Finding("not judged", "columns", _too_few(served.rows, "predictions", params))
        return
    found = [
        finding
        for name, counts in served.columns.items()
        for finding in _column_findings(name, counts, profile.get(name, {}), params)
    ]
    yield from found or [Finding("fine", "columns", "Nulls, categories and ranges are as in the training set.")]


def _column_findings(
    name: str, counts: ColumnCounts, profile: Mapping[str, Any], params: MonitorParams
) -> Iterator[Finding]:
    in_training = float(profile.get("most_nulls", profile.get("nulls", 0.0)))
    if params.max_nulls is not None and is_beyond(counts.nulls, counts.rows, in_training + params.max_nulls):
        share = counts.nulls / counts.rows
        yield Finding(
            "page",
            "nulls",
            f"{name} is null in {format_percent(share)} of the rows; in no week of the training set in more than "
            f"{format_percent(in_training)}.",
            f"Ask whoever sends {name} what changed; if it is right so, retrain, or set monitor.max_nulls.",
            name,
            {"share": share, "in_training": in_training},
        )
    usual = _RARE_ONES * counts.off_record
    if params.max_unknown is not None and is_beyond(counts.unknown, counts.rows, usual + params.max_unknown):
        share = counts.unknown / counts.rows
        sentence = f"{format_percent(share)} of the rows have a {name} that the training set has not."
        if counts.off_record:
            sentence = (
                f"{format_percent(share)} of the rows have a {name} that is none of the training set's most frequent "
                f"ones, where {format_percent(counts.off_record)} had."
            )
        yield Finding(
            "page",
            "categories",
            sentence,
            "If they were renamed, mend the sender; if they are new, retrain once rows of the source have them.",
            name,
            {"share": share},
        )
    if params.max_out_of_range is not None and is_beyond(counts.outside, counts.rows, params.max_out_of_range):
        share, low, high = counts.outside / counts.rows, *_limits(profile)
        yield Finding(
            "page" if is_beyond(counts.far, counts.rows, params.max_out_of_range) else "warn",
            "range",
            f"{format_percent(share)} of the rows have a {name} out of the training set's range of {low:g} to "
            f"{high:g}; it goes from {counts.lowest:g} to {counts.highest:g}.",
            f"Check the unit of {name}; if the values are right, retrain, since the model has seen none like them.",
            name,
            {"share": share, "far": counts.far / counts.rows, "lowest": counts.lowest, "highest": counts.highest},
        )


def _limits(profile: Mapping[str, Any]) -> tuple[float, float]:
    return profile["quantiles"][0], profile["quantiles"][-1]


def is_beyond(count: int, rows: int, limit: float) -> bool:
    """Return whether a share is above a limit by more than chance explains."""
    if not rows or limit >= 1:
        return False
    error = sqrt(max(limit * (1 - limit), 1 / rows) / rows)
    return count / rows > limit + _ERRORS * error


def check_volume(served: Served, before: Sequence[int], params: MonitorParams) -> Finding:
    """Compare how much was predicted with the periods before.

    Args:
        served: the newest period.
        before: the rows of the periods before; those without any, before the service existed, do not count.
        params: the limit.
    """
    known = [rows for rows in before if rows]
    if params.max_volume_change is None or not known:
        reason = "monitor.max_volume_change is null" if known else "no earlier period has predictions"
        return Finding("not judged", "volume", f"{_counted(served.rows, 'predictions')}; {reason}.")
    usual = median(known)
    numbers = {"rows": served.rows, "usual": usual}
    if usual / params.max_volume_change <= served.rows <= usual * params.max_volume_change:
        return Finding("fine", "volume", f"{served.rows:,} predictions, usually {usual:,.0f}.", numbers=numbers)
    if max(usual, served.rows) < params.minimum_rows:
        return Finding("not judged", "volume", _too_few(served.rows, "predictions", params), numbers=numbers)
    return Finding(
        "page",
        "volume",
        f"{served.rows:,} predictions, usually {usual:,.0f}.",
        "Ask whether its users changed; if not, look into the service's log and the prediction log.",
        numbers=numbers,
    )


def check_age(check: str, newest: date | None, today: date, most: int | None) -> Finding:
    """Judge how old the newest record, outcome or training row is.

    Args:
        check: `log`, `data` or `model`.
        newest: the newest day; None if there is none.
        today: the present day in UTC.
        most: the days that are allowed; None: no limit.
    """
    what, advice = {
        "log": ("record of the prediction log", "Look whether the service answers, and whether its log is written."),
        "data": ("row with an outcome", "Look whether the source is still written; the model cannot learn without it."),
        "model": ("row that the model was trained on", "Retrain: make refresh, make train, make gate."),
    }[check]
    if newest is None:
        return Finding("not judged", check, f"There is no {what}, or its day is not known.")
    age = (today - newest).days
    sentence = f"The newest {what} is of {newest}, {age:,} day{'s' * (age != 1)} ago."
    numbers = {"newest": str(newest), "days": age}
    if most is None:
        return Finding("not judged", check, f"{sentence} No limit is set.", numbers=numbers)
    if age <= most:
        return Finding("fine", check, sentence, numbers=numbers)
    return Finding("page", check, f"{sentence} {most} are allowed.", advice, numbers=numbers)


def check_loss(
    judged: Mapping[str, Any] | None,
    together: Mapping[str, Any] | None,
    tested: Mapping[str, Any],
    metrics: MetricSet,
    params: MonitorParams,
    joined: str = "",
) -> Finding:
    """Compare the main metric with the one on the test set: the loss must be larger than allowed, and not by chance.

    A large loss shows in one period, a small one only in several together.

    Args:
        judged: the newest period with enough outcomes, as `performance` returns it; None if there is none.
        together: all periods with enough outcomes; None if there is one at most.
        tested: metrics.json of the test set that the gate judged.
        metrics: whose main one counts.
        params: the limit.
        joined: why no outcome is known, if none is.
    """
    if judged is None:
        sentence = joined or f"No period has {params.minimum_rows:,} predictions whose outcome is known."
        return Finding("not judged", "loss", sentence, "Outcomes are joined by the contract's id.")
    findings = [_loss(each, tested, metrics, params) for each in (judged, together) if each is not None]
    return in_order(findings)[0] if worst(findings) == "page" else findings[0]


def _loss(result: Mapping[str, Any], tested: Mapping[str, Any], metrics: MetricSet, params: MonitorParams) -> Finding:
    name = metrics.main.name
    value, interval, reference = result["metrics"][name], whole(result["interval"]), metric_of(tested, name)
    if reference is None:
        sentence = f"{name} cannot be compared: the reports of the model have no {name} of its test set."
        advice = "reports/metrics.json is missing or damaged: make pull fetches it, and make train writes it."
        return Finding("not judged", "loss", sentence, advice)
    if value is None or interval is None:
        few = f"{result['rows']:,} outcomes, and too few of one kind among them."
        return Finding("not judged", "loss", f"{name} cannot be compared: {few}")
    loss = loss_against(value, reference, metrics)
    own = loss - min(loss_against(interval[end], reference, metrics) for end in ("low", "high"))
    ends = interval_of(tested, name) or {"low": reference, "high": reference}
    of_reference = max(loss_against(ends[end], reference, metrics) for end in ("low", "high"))
    least = loss - hypot(own, of_reference)  # both were measured, on other rows
    sentence = (
        f"{name} is {format_number(value)} ({format_number(interval['low'])} to {format_number(interval['high'])}) on "
        f"{result['rows']:,} outcomes; it was {format_number(reference)} on the test set."
    )
    numbers = {"metric": name, "value": value, "on_test_set": reference, "loss": loss, "at_least": least}
    if least <= params.max_loss:
        return Finding("fine", "loss", sentence, numbers=numbers)
    advice = "Look at the slices that lost most, then retrain; the gate decides whether the new model is better."
    return Finding("page", "loss", f"{sentence} The model got worse.", advice, numbers=numbers)


def check_predictions(index: float | None, chance: float, rows: int, params: MonitorParams) -> Finding:
    """Judge the drift of the predictions, by the population stability index against the test set."""
    if index is None:
        return Finding("not judged", "predictions", "The bundle has no scores of the test set; train it again.")
    if rows < params.minimum_rows:
        return Finding("not judged", "predictions", _too_few(rows, "predictions of the live version", params))
    numbers = {"index": index, "by_chance": chance}
    sentence = f"The predictions' stability index against the test set is {index:.2f}."
    if params.max_prediction_drift is None or index - chance <= params.max_prediction_drift:
        return Finding("fine", "predictions", sentence, numbers=numbers)
    advice = "Look which columns moved, below; once outcomes arrive, the loss tells whether it matters."
    return Finding("warn", "predictions", f"{sentence} Above 0.25 is a large change.", advice, numbers=numbers)


def _too_few(rows: int, what: str, params: MonitorParams) -> str:
    return f"{_counted(rows, what)}, fewer than monitor.minimum_rows ({params.minimum_rows:,}): too few to judge."


def _counted(rows: int, what: str) -> str:
    return f"{rows:,} {what.replace('predictions', 'prediction') if rows == 1 else what}"
