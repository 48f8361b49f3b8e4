"""Put together what is known of the live model: the content of monitoring.json, from which the report is made."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from cd4ml.bundle.bundle import Bundle
from cd4ml.evaluation.metric_set import MetricSet
from cd4ml.evaluation.results import round_significant
from cd4ml.monitoring.column_drift import column_drift, season_counts
from cd4ml.monitoring.drift import chance_index, stability_index
from cd4ml.monitoring.findings import (
    Finding,
    check_age,
    check_columns,
    check_loss,
    check_predictions,
    check_volume,
    in_order,
    worst,
)
from cd4ml.monitoring.performance import Judged, performance, slices_beside
from cd4ml.monitoring.periods import Period
from cd4ml.monitoring.reading import Readings, Source
from cd4ml.monitoring.record_findings import check_dates, check_records, uncounted_columns
from cd4ml.monitoring.release_reports import interval_of, metric_of, read_report, slices_of
from cd4ml.monitoring.slice_drift import with_columns
from cd4ml.settings.params import Params

FORMAT = 1
_MOST_BROKEN = 5  # rules of the contract that are named


@dataclass(frozen=True)
class Live:
    """The model that is watched."""

    bundle: Bundle
    reports: Path
    """The folder with metrics.json and slices.json of its release."""
    releases: Sequence[tuple[str, str]] = ()
    """The time and the version of each release, the newest first."""

    def read_report(self, name: str) -> dict[str, Any]:
        """Return a report's content; empty if there is none, or if it is no JSON object."""
        return read_report(self.reports / name)


def watch(readings: Readings, live: Live, params: Params, metrics: MetricSet, today: date) -> dict[str, Any]:
    """Return the content of monitoring.json.

    Args:
        readings: of the periods.
        live: the model.
        params: whose section `monitor` has the limits.
        metrics: of the model's task.
        today: the present day in UTC.
    """
    bundle, now, limits = live.bundle, readings.served[-1], params.monitor
    profile = bundle.training_profile()
    tested = live.read_report("metrics.json")
    judged = [Judged.of(period, readings.labelled, readings.outcomes, bundle.decision) for period in readings.periods]
    results = [performance(each, profile, metrics) if each.predictions.rows else None for each in judged]
    enough = _with_enough(readings, judged, limits.minimum_rows, limits.minimum_labelled)
    newest = enough[-1] if enough else None
    together = _together(readings, bundle, profile, enough, metrics)
    predictions = _predictions(readings, profile)
    findings = [
        *_source_findings(readings, bundle),
        *check_records(now, bundle, {version for _, version in live.releases}),
        *check_columns(now, profile["columns"], limits),
        *uncounted_columns(now),
        check_volume(now, [served.rows for served in readings.served[:-1]], limits),
        check_age("log", readings.newest_record, today, limits.max_log_age_days),
        check_age("data", readings.newest_outcome, today, limits.max_data_age_days),
        *check_dates(readings.ahead_in_log, readings.ahead_in_source),
        check_age("model", _day(bundle.manifest.until), today, limits.max_model_age_days),
        check_loss(None if newest is None else results[newest], together, tested, metrics, limits, _unjoined(readings)),
        check_predictions(predictions["index"], predictions["by_chance"], predictions["rows"], limits),
    ]
    return {
        "format": FORMAT,
        "level": worst(findings),
        "day": str(readings.periods[-1].last),
        "model": _model(bundle, live),
        "findings": [finding.as_json() for finding in in_order(findings)],
        "periods": [
            _period(readings, number, results[number], judged=number == newest) for number in range(len(results))
        ],
        "metric": {
            "name": metrics.main.name,
            "label": metrics.main.label,
            "better": metrics.main.better,
            "unit": bundle.contract.target.unit if metrics.main.of_target else None,
            "loss_is_share": metrics.main.of_target,
            "on_test_set": metric_of(tested, metrics.main.name),
            "interval_on_test_set": interval_of(tested, metrics.main.name),
            "max_loss": limits.max_loss,
        },
        "slices": [] if newest is None else _slices(judged[: newest + 1], readings, live, params, metrics),
        "outcomes": readings.coverage.as_json(today),
        "predictions": predictions,
        "columns": column_drift(
            bundle.contract,
            profile,
            readings.counters,
            now.columns,
            readings.served[-2].columns,
            season_counts(readings.counters, readings.outcomes.columns, readings.outcomes.times, readings.periods[-1]),
        ),
    }


def _source_findings(readings: Readings, bundle: Bundle) -> Iterator[Finding]:
    """Yield whether the source can be read, and whether its new rows keep the contract."""
    source: Source | None = readings.source
    if source is None:
        yield Finding("page", "source", f"The source cannot be read: {readings.source_error}.", "Mend data.source.")
        return
    if bundle.contract.id is None:
        yield Finding(
            "not judged",
            "outcomes",
            "The contract names no id, so that no outcome can be joined with its prediction.",
            "Name a column as `id` in contract.yaml, and send it with each row.",
        )
    if not source.new_rows:
        yield Finding("not judged", "schema", "The source has no rows that are newer than the model's.")
    elif source.broken.empty:
        yield Finding("fine", "schema", f"{source.new_rows:,} new rows of the source keep the contract.")
    for broken in source.broken.head(_MOST_BROKEN).to_dict("records"):
        yield Finding(
            "page",
            "schema",
            f"{broken['rows']:,} of {source.new_rows:,} new rows of the source break a rule: {broken['column']}, "
            f"{broken['rule']}.",
            "The next training would stop here: mend the source, or change contract.yaml.",
            str(broken["column"]),
        )


def _unjoined(readings: Readings) -> str:
    """Return why no outcome was joined with an answer; empty if some were, or if there is nothing to join."""
    answered, outcomes = sum(readings.coverage.answered.values()), len(readings.outcomes.ids)
    if not outcomes or len(readings.labelled.rows) or not any(served.rows for served in readings.served):
        return ""
    if not answered:
        return "No prediction has an id, by which its outcome could be found."
    return f"None of {answered:,} predictions has an id that is among those of the source's {outcomes:,} outcomes."


def _with_enough(readings: Readings, judged: Sequence[Judged], rows: int, share: float) -> list[int]:
    """Return the numbers of the periods with enough outcomes, the oldest first."""
    return [
        number
        for number, each in enumerate(judged)
        if each.predictions.rows >= rows and readings.coverage.of_period(each.period) >= share
    ]


def _together(
    readings: Readings, bundle: Bundle, profile: dict[str, Any], periods: Sequence[int], metrics: MetricSet
) -> dict[str, Any] | None:
    """Return the performance of the live version in several periods together; None if it answered in one at most."""
    answers = readings.labelled.of_version(bundle.version)
    live = [readings.periods[number] for number in periods if readings.periods[number].holds(answers.times).any()]
    if len(live) < 2:
        return None
    judged = Judged.of(Period(live[0].first, live[-1].last), answers, readings.outcomes, bundle.decision)
    return performance(judged, profile, metrics)


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _model(bundle: Bundle, live: Live) -> dict[str, Any]:
    manifest = bundle.manifest
    return {
        "name": manifest.name,
        "version": manifest.version,
        "task": manifest.task,
        "until": manifest.until,
        "releases": [{"time": time, "version": version} for time, version in live.releases],
    }


def _period(readings: Readings, number: int, result: dict[str, Any] | None, *, judged: bool) -> dict[str, Any]:
    period, served = readings.periods[number], readings.served[number]
    return {
        "first": str(period.first),
        "last": str(period.last),
        "rows": served.rows,
        "tests": served.tests,
        "left_out": dict(served.left_out),
        "by_day": {str(day): rows for day, rows in sorted(served.by_day.items())},
        "by_version": dict(served.by_version),
        "labelled_share": round_significant(readings.coverage.of_period(period)),
        "judged": judged,
        "performance": result,
    }


def _slices(
    judged: Sequence[Judged], readings: Readings, live: Live, params: Params, metrics: MetricSet
) -> list[dict[str, Any]]:
    before, contract = slices_of(live.read_report("slices.json"), metrics.main.name), live.bundle.contract
    slices = slices_beside(judged[-1], contract, before, metrics, params.evaluate.slice_minimum_rows)
    return with_columns(slices, judged, contract, readings.counters)


def _predictions(readings: Readings, profile: dict[str, Any]) -> dict[str, Any]:
    """Return the distribution of the live version's predictions beside the test set's, and their stability index."""
    now, tested = readings.served[-1], profile.get("scores")
    if tested is None:
        return {"index": None, "by_chance": 0.0, "rows": 0, "edges": [], "counts": [], "test_set": [], "labels": {}}
    expected = np.array(tested["predicted"]["shares"])
    counts = now.scores if len(now.scores) else np.zeros(len(expected), dtype=np.int64)
    rows = int(counts.sum())
    return {
        "index": round_significant(stability_index(expected, counts)) if rows else 0.0,
        "by_chance": round_significant(chance_index(expected, tested["rows"], rows)),
        "rows": rows,
        "edges": tested["predicted"]["edges"],
        "counts": counts.tolist(),
        "test_set": expected.tolist(),
        "labels": {name: now.labels.get(name, 0) for name in tested.get("labels", {})},
        "labels_of_test_set": tested.get("labels", {}),
    }
