"""Ask Cloud Monitoring how many requests a revision answered lately, and how many of them with 5xx.

gcloud has no command for time series; the counts come two to three minutes late.
"""

import datetime
import os
import urllib.parse
from typing import Any

from cd4ml.http.client import HttpError, request

_LIMIT = 30.0  # seconds: a canary counts again and again
METRIC = "run.googleapis.com/request_count"


def address(project: str, service: str, revision: str, seconds: int) -> str:
    """Return what to ask: the sum of that time, by class of status code."""
    now = datetime.datetime.now(datetime.UTC)
    query = {
        "filter": f'metric.type = "{METRIC}" AND resource.labels.service_name = "{service}"'
        f' AND resource.labels.revision_name = "{revision}"',
        "interval.startTime": (now - datetime.timedelta(seconds=seconds)).isoformat(timespec="seconds"),
        "interval.endTime": now.isoformat(timespec="seconds"),
        "aggregation.alignmentPeriod": f"{max(60, seconds)}s",
        "aggregation.perSeriesAligner": "ALIGN_SUM",
        "aggregation.crossSeriesReducer": "REDUCE_SUM",
        "aggregation.groupByFields": "metric.labels.response_code_class",
    }
    base = os.environ.get("MONITORING_API") or "https://monitoring.googleapis.com"
    return f"{base}/v3/projects/{project}/timeSeries?{urllib.parse.urlencode(query)}"


def count(answer: dict[str, Any]) -> tuple[int, int]:
    """Return all requests and those that were answered with 5xx."""
    total = errors = 0
    for series in answer.get("timeSeries", []):
        number = sum(int(float(next(iter(point["value"].values())))) for point in series["points"])
        total += number
        errors += number if series["metric"].get("labels", {}).get("response_code_class") == "5xx" else 0
    return total, errors


def requests_counted(project: str, service: str, revision: str, seconds: int, token: str) -> tuple[int, int]:
    """Return the requests that a revision answered in the last seconds, and those with 5xx.

    Raises:
        HttpError: Monitoring does not answer, refuses, or answers something else.
    """
    credentials = {"Authorization": f"Bearer {token}"}
    answer = request("GET", address(project, service, revision, seconds), credentials=credentials, limit=_LIMIT)
    if not answer.ok:
        raise HttpError(f"it answers {answer.status} {answer.phrase}")
    try:
        return count(answer.json())
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError):
        raise HttpError("it does not answer as Cloud Monitoring does") from None
