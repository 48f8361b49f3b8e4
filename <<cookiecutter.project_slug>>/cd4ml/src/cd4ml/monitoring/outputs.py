"""Write what is made of monitoring.json beside it, and send its figures on: to a Pushgateway, to MLflow."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cd4ml.errors import UserError
from cd4ml.files.atomic import replacing, write_text
from cd4ml.monitoring.gauges import exposition
from cd4ml.monitoring.page.report import report_page
from cd4ml.monitoring.summary import summary
from cd4ml.terminal.output import report

DOCUMENT, REPORT, SUMMARY, GAUGES = "monitoring.json", "report.html", "summary.md", "monitoring.prom"


def write_outputs(document: Mapping[str, Any], folder: Path) -> None:
    """Write a document, and its page, summary and gauges into a folder.

    All are made before the first one is written, so that a run which is stopped leaves those of the run before.
    """
    texts = {
        DOCUMENT: json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False),
        REPORT: report_page(document),
        SUMMARY: summary(document),
    }
    gauges = exposition(document)
    for name, text in texts.items():
        write_text(folder / name, text)
    with replacing(folder / GAUGES) as temporary:
        temporary.write_bytes(gauges)


def send(document: Mapping[str, Any], environment: Mapping[str, str]) -> None:
    """Send the figures to PUSHGATEWAY_URL and MLFLOW_TRACKING_URI, if they are set; print what could not be sent.

    The report is made anyway: that a server is down is no reason to hide what was found.
    """
    try:
        if url := environment.get("PUSHGATEWAY_URL", "").strip():
            from cd4ml.monitoring.pushgateway import push

            report(f"gauges pushed to {push(document, url)}")
    except UserError as failure:
        print(f"monitor: the gauges were not pushed: {failure}", file=sys.stderr)
    try:
        if environment.get("MLFLOW_TRACKING_URI", "").strip():
            from cd4ml.monitoring.mlflow_run import record
            from cd4ml.tracking.address import TrackingAddress

            report(record(document, TrackingAddress.read(environment)))
    except UserError as failure:
        print(f"monitor: not in MLflow: {failure}", file=sys.stderr)
