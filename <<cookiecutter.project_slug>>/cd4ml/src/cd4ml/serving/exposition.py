"""GET /metrics: the counts in Prometheus's text format. Imported at the first request for it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from cd4ml.contract.columns import Array
from cd4ml.serving.metrics import PROBABILITIES, SECONDS, STATUSES, Metrics
from cd4ml.serving.refusals import REASONS
from cd4ml.serving.tallies import OTHER, Booleans, Categories, Numbers, Tallier


class Exposition:
    """The text of GET /metrics.

    Args:
        metrics: the counts.
        model: the labels of `model_info`.
        alone: whether one process serves; the measures of one of several would jump from scrape to scrape.
    """

    def __init__(self, metrics: Metrics, model: Mapping[str, str], alone: bool) -> None:
        self._metrics, self._model = metrics, model
        self._registry = CollectorRegistry()
        self._registry.register(self)
        PlatformCollector(registry=self._registry)
        if alone:
            ProcessCollector(registry=self._registry)
            GCCollector(registry=self._registry)

    def text(self) -> bytes:
        """Return the present counts, and those of this process if it is alone."""
        self._metrics.count()
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Yield the counts of all processes, as prometheus-client asks for them."""
        info = GaugeMetricFamily("model_info", "The model that answers; the value is always 1.", labels=[*self._model])
        info.add_metric([*self._model.values()], 1)
        yield info
        yield from self._requests()
        yield from self._prediction_log()
        yield from self._predictions()
        yield from self._columns()

    def _requests(self) -> Iterator[Metric]:
        metrics, counts = self._metrics, self._metrics.counts
        requests = CounterMetricFamily("http_requests", "Requests, by route and status.", labels=["path", "status"])
        latencies = _Histogram(
            "http_request_duration_seconds", "Time from a request's head to the end of its response."
        )
        by_status, bins, seconds = counts.total("requests"), counts.total("latencies"), counts.total("seconds")
        for number, path in enumerate(metrics.paths):
            for column in by_status[number].nonzero()[0]:
                requests.add_metric([path, STATUSES[column]], by_status[number, column])
            if bins[number].any():
                latencies.add({"path": path}, SECONDS, bins[number], seconds[number])
        yield requests
        yield latencies
        refused = CounterMetricFamily(
            "http_connections_refused", "Connections refused or closed before there was a request.", labels=["reason"]
        )
        for reason, count in zip(REASONS, counts.total("refusals"), strict=True):
            refused.add_metric([reason], count)
        yield refused

    def _prediction_log(self) -> Iterator[Metric]:
        if self._metrics.log is None:
            return
        counts = self._metrics.counts
        written, failed, dropped = counts.total("log")
        waiting = counts.total("log waiting")[0]
        yield CounterMetricFamily("prediction_log_written", "Records that were written.", written)
        yield CounterMetricFamily("prediction_log_failures", "Attempts to write records that failed.", failed)
        yield CounterMetricFamily("prediction_log_dropped", "Records that will never be written.", dropped)
        yield GaugeMetricFamily("prediction_log_waiting", "Records that are still to be written.", waiting)

    def _predictions(self) -> Iterator[Metric]:
        metrics, counts = self._metrics, self._metrics.counts
        yield CounterMetricFamily("model_rows", "Rows that were predicted.", counts.total("rows")[0])
        if metrics.numbers is None:
            predictions = CounterMetricFamily("model_predictions", "Predictions, by class.", labels=["value"])
            for name, count in zip(metrics.classes, counts.total("classes"), strict=True):
                predictions.add_metric([str(name).lower() if isinstance(name, bool) else name], count)
            yield predictions
        else:
            numbers = _Histogram("model_prediction", "Predicted numbers.")
            numbers.add({}, metrics.numbers.edges, counts.total("numbers"), counts.total("total number")[0])
            yield numbers
        if metrics.probabilities is not None:
            probabilities = _Histogram("model_probability", "Predicted probabilities of true.")
            bins, total = counts.total("probabilities"), counts.total("total probability")[0]
            probabilities.add({}, PROBABILITIES, bins, total)
            yield probabilities

    def _columns(self) -> Iterator[Metric]:
        metrics, counts = self._metrics, self._metrics.counts
        nulls = CounterMetricFamily("model_column_nulls", "Rows without a value, by column.", labels=["column"])
        unknown = CounterMetricFamily(
            "model_column_unknown", "Rows with a category that training did not have.", labels=["column"]
        )
        numbers = _Histogram("model_column_number", "Values of columns of numbers; bins: tenths of the training set.")
        values = CounterMetricFamily(
            "model_column_values", "Rows by value, of columns of categories and booleans.", labels=["column", "value"]
        )
        totals = counts.total("totals")
        per_column = zip(metrics.talliers.items(), counts.total("nulls"), counts.total("unknown"), totals, strict=True)
        for (name, tallier), null_count, unknown_count, total in per_column:
            nulls.add_metric([name], null_count)
            if tallier.knows_all:
                unknown.add_metric([name], unknown_count)
            bins = counts.total(f"column {name}")
            if isinstance(tallier, Numbers):
                numbers.add({"column": name}, tallier.edges, bins, total)
            for value, count in zip(_names(tallier), bins, strict=False):
                values.add_metric([name, value], count)
        yield from (nulls, unknown, numbers, values)


def _names(tallier: Tallier) -> Sequence[str]:
    """Return the names of a tallier's bins; none if they are not values."""
    if isinstance(tallier, Booleans):
        return ("false", "true")
    return (*tallier.names, OTHER) if isinstance(tallier, Categories) else ()


class _Histogram(Metric):
    """A histogram; with its sum and count for negative numbers too, which prometheus-client's own would leave out."""

    def __init__(self, name: str, documentation: str) -> None:
        super().__init__(name, documentation, "histogram")

    def add(self, labels: dict[str, str], edges: Iterable[float], bins: Array, total: float) -> None:
        """Add the counts of one series: in each bin, shape `(edges + 1,)`, and the sum of the values."""
        counts = bins.cumsum().tolist()
        names = [*(repr(float(str(edge))) for edge in edges), "+Inf"]  # of a float32, the shortest decimal
        for name, count in zip(names, counts, strict=True):
            self.add_sample(f"{self.name}_bucket", {**labels, "le": name}, count)
        self.add_sample(f"{self.name}_count", labels, counts[-1])
        self.add_sample(f"{self.name}_sum", labels, float(total))
