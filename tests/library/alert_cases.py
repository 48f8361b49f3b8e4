"""For each alert: series for which it fires, the labels and the sentence that it then has, and series for which not."""

from dataclasses import dataclass, field

HOUR, DAY = 60, 24 * 60  # minutes
WEEKLY_STEP = 30  # minutes between two samples of a week
SERVICE = 'job="model",instance="service:8000"'
OK, FAILED = f'{{{SERVICE},path="/predict",status="200"}}', f'{{{SERVICE},path="/predict",status="500"}}'
BUSY, INVALID = f'{{{SERVICE},path="/predict",status="503"}}', f'{{{SERVICE},path="/predict",status="422"}}'
NO_KEY = f'{{{SERVICE},path="/predict",status="401"}}'
REQUESTS, LATENCY = "http_requests_total", "http_request_duration_seconds_bucket"
REFUSED, LOG, INFO = "http_connections_refused_total", "prediction_log", "model_info"
ROWS, NULLS, UNKNOWN = "model_rows_total", "model_column_nulls_total", "model_column_unknown_total"
CLASSES, NUMBERS = "model_predictions_total", "model_prediction"
OLD, NEW = (f'{INFO}{{{SERVICE},model="houses",version="{version}"}}' for version in ("2024-01", "2024-02"))


@dataclass(frozen=True)
class Case:
    """Series in Prometheus's notation, a sample every `step` minutes, and what they do at `at` minutes."""

    alert: str
    fires: dict[str, str]
    labels: dict[str, str]
    summary: str
    silent: dict[str, str]
    at: int = 20
    step: int = 1
    severity: str = "page"
    also: list[dict[str, str]] = field(default_factory=list)
    """More series for which it does not fire."""
    twin: tuple[dict[str, str], str] | None = None
    """The labels and the sentence of a second alert that fires."""


def job(**more: str) -> dict[str, str]:
    return {"job": "model", **more}


def instance(**more: str) -> dict[str, str]:
    return {"job": "model", "instance": "service:8000", **more}


def share(part: int, of: int, name: str = FAILED) -> dict[str, str]:
    """Return counters of requests of which `part` of `of` a minute have another status than 200."""
    return {f"{REQUESTS}{OK}": f"0+{of - part}x200", f"{REQUESTS}{name}": f"0+{part}x200"}


def latencies(slow: int) -> dict[str, str]:
    bins = {"0.1": 100 - slow, "0.25": 100 - slow, "0.5": 100, "+Inf": 100}
    return {f'{LATENCY}{{{SERVICE},path="/predict",le="{end}"}}': f"0+{count}x200" for end, count in bins.items()}


def weekly(name: str, labels: str, usual: int, last: int, hours: int) -> dict[str, str]:
    """Return a counter that grows by `usual` in each half hour of a week, and by `last` in each of its last hours."""
    steps, end = 7 * DAY // WEEKLY_STEP, hours * HOUR // WEEKLY_STEP
    before = (steps - end) * usual
    text = f"0+{usual}x{steps - end} {before + last}+{last}x{end - 1}"
    return {f"{name}{{{SERVICE}{labels}}}": text}


def classes(trues: int) -> dict[str, str]:
    """Return predictions of two classes, 500 of each in half an hour for six days, then another number of trues."""
    return {
        **weekly(CLASSES, ',value="true"', 500, 10 * trues, 24),
        **weekly(CLASSES, ',value="false"', 500, 1000 - 10 * trues, 24),
        **weekly(ROWS, "", 1000, 1000, 24),
    }


def numbers(low: int) -> dict[str, str]:
    """Return predictions of a number, half below 10, then `low` of 100."""
    return {
        **weekly(f"{NUMBERS}_bucket", ',le="10"', 50, low, 24),
        **weekly(f"{NUMBERS}_bucket", ',le="+Inf"', 100, 100, 24),
        **weekly(f"{NUMBERS}_count", "", 100, 100, 24),
        **weekly(ROWS, "", 100, 100, 24),
    }


def column(name: str, now: int, rows: int = 1000) -> dict[str, str]:
    """Return a column that has 20 such rows in half an hour, usually, and more in the last three hours."""
    return {**weekly(name, ',column="wind"', 20, now, 3), **weekly(ROWS, "", rows, rows, 3)}


def level(check: str, value: int, samples: int = 200) -> dict[str, str]:
    return {f'monitor_check_level{{job="cd4ml-monitor",model="houses",check="{check}"}}': f"{value}x{samples}"}


def watched(version: str) -> dict[str, str]:
    return {
        f'monitor_info{{job="cd4ml-monitor",model="houses",version="{version}"}}': f"1x{3 * DAY // 5}",
        OLD: f"1x{3 * DAY // 5}",
    }


UNTIL = 'monitor_until_seconds{job="cd4ml-monitor",model="houses"}'
