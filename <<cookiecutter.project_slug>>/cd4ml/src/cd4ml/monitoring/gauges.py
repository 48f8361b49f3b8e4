"""The figures of monitoring.json as gauges for Prometheus, in its text format: docs/metrics.md names each of them."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from cd4ml.monitoring.findings import LEVELS, Level
from cd4ml.monitoring.newest import age_days, finding_of, newest_judged

_AGES = {
    "log": "record of the prediction log",
    "data": "row with an outcome",
    "model": "row that the model learnt from",
}


def exposition(document: Mapping[str, Any]) -> bytes:
    """Return the gauges of a document, in Prometheus's text format."""
    return generate_latest(registry(document))


def registry(document: Mapping[str, Any]) -> CollectorRegistry:
    """Return a registry with the gauges of a document."""
    made = CollectorRegistry()
    made.register(_Gauges(document))
    return made


class _Gauges:
    """Collects the gauges; a figure that is not known has no series."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges, as prometheus-client asks for them."""
        yield from self._levels()
        yield from self._quality()
        yield from self._volume()
        yield from self._ages()
        yield from self._columns()

    def _levels(self) -> Iterator[Metric]:
        document = self._document
        of_check: dict[str, int] = {}
        for finding in document["findings"]:
            of_check[finding["check"]] = max(level_number(finding["level"]), of_check.get(finding["check"], 0))
        levels = "0 fine, 1 not judged, 2 warn, 3 page."
        yield self._gauge("monitor_level", f"The worst level: {levels}", level_number(document["level"]))
        yield self._by("monitor_check_level", f"The level of each check: {levels}", "check", of_check)
        yield self._by(
            "monitor_info", "The model that was watched; the value is always 1.", "version", {_version(document): 1}
        )
        end = datetime.fromisoformat(document["day"]).replace(tzinfo=UTC) + timedelta(days=1)
        yield self._gauge("monitor_until_seconds", "The end of the newest period, in Unix time.", end.timestamp())

    def _quality(self) -> Iterator[Metric]:
        metric, judged = self._document["metric"], newest_judged(self._document)
        name = metric["name"]
        performance = judged["performance"] if judged else {}
        interval, expected = performance.get("interval") or {}, performance.get("expected") or {}
        loss = finding_of(self._document, "loss")
        values = {
            "": ("on the newest period with enough outcomes", performance.get("metrics", {}).get(name)),
            "_low": ("the lower end of its 95 % interval", interval.get("low")),
            "_high": ("the upper end of its 95 % interval", interval.get("high")),
            "_expected": ("if only the inputs had changed", expected.get(name)),
            "_baseline": ("of the baseline, on the same rows", performance.get("baseline")),
            "_on_test_set": ("on the test set", metric["on_test_set"]),
        }
        for suffix, (what, value) in values.items():
            yield self._by(f"monitor_metric{suffix}", f"The main metric: {what}.", "metric", {name: value})
        lost, limit = loss["numbers"].get("loss"), metric["max_loss"]
        yield self._gauge("monitor_loss", "How much worse the main metric is than on the test set.", lost)
        yield self._gauge("monitor_loss_limit", "monitor.max_loss of params.yaml.", limit)

    def _volume(self) -> Iterator[Metric]:
        newest, outcomes = self._document["periods"][-1], self._document["outcomes"]
        predictions = self._document["predictions"]
        index = predictions["index"] if predictions["rows"] else None
        yield self._gauge("monitor_rows", "Predictions in the newest period.", newest["rows"])
        share = "The share of the newest period's outcomes that have arrived, of those that usually do."
        yield self._gauge("monitor_labelled_share", share, newest["labelled_share"])
        delay = "The days after which outcomes are complete."
        yield self._gauge("monitor_label_delay_days", delay, outcomes["delay_days"])
        drift = "The predictions' population stability index against the test set."
        yield self._gauge("monitor_prediction_index", drift, index)

    def _ages(self) -> Iterator[Metric]:
        for check, what in _AGES.items():
            age = f"The age of the newest {what}, in days."
            yield self._gauge(f"monitor_{check}_age_days", age, age_days(self._document, check))

    def _columns(self) -> Iterator[Metric]:
        columns = self._document["columns"]
        shares = {
            "nulls": "The share of the rows without a value",
            "unknown": "The share of the rows with a category that the training set has not",
            "outside": "The share of the rows with a number beyond those of the training set",
        }
        for key, what in shares.items():
            values = {column["name"]: column.get(key) for column in columns}
            yield self._by(f"monitor_column_{key}_share", f"{what}, by column.", "column", values)
        text = "The population stability index of each column, against the training set, the period before, a year ago."
        gauge = GaugeMetricFamily("monitor_column_index", text, labels=["model", "column", "against"])
        for column in columns:
            for against in ("training", "before", "season"):
                index = column.get(f"index_{against}")
                if index is not None:
                    gauge.add_metric([self._document["model"]["name"], column["name"], against], index)
        yield gauge

    def _gauge(self, name: str, text: str, value: float | None) -> Metric:
        gauge = GaugeMetricFamily(name, text, labels=["model"])
        if value is not None:
            gauge.add_metric([self._document["model"]["name"]], value)
        return gauge

    def _by(self, name: str, text: str, label: str, values: dict[str, Any]) -> Metric:
        gauge = GaugeMetricFamily(name, text, labels=["model", label])
        for key, value in values.items():
            if value is not None:
                gauge.add_metric([self._document["model"]["name"], key], value)
        return gauge


def level_number(level: str) -> int:
    """Return 0 for fine, up to 3 for page."""
    return len(LEVELS) - 1 - [*LEVELS].index(cast(Level, level))


def _version(document: Mapping[str, Any]) -> str:
    return str(document["model"]["version"])
