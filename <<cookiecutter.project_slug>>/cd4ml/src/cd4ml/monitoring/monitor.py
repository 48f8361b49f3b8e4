"""The verb `monitor`: judge what the live model was asked and what it answered, and write a report."""

import os
from datetime import date
from pathlib import Path
from shutil import get_terminal_size
from typing import Any

from cd4ml.bundle.bundle import Bundle
from cd4ml.errors import UserError
from cd4ml.evaluation.metric_set import read_metric_set
from cd4ml.monitoring.newest import findings_at
from cd4ml.monitoring.outputs import REPORT, send, write_outputs
from cd4ml.monitoring.periods import DAY, last_day, periods_until
from cd4ml.monitoring.reading import read_all
from cd4ml.monitoring.terminal_table import terminal_table
from cd4ml.monitoring.watch import Live, watch
from cd4ml.prediction_log.read import StoredLog
from cd4ml.settings import paths
from cd4ml.settings.params import Params
from cd4ml.terminal.arguments import Arguments

FOLDER = Path("build/monitoring")


def main(argv: list[str]) -> None:
    """Judge the newest period of the prediction log, and write build/monitoring.

    Raises:
        UserError: the log or the bundle cannot be read; with --check, a finding pages.
    """
    arguments = Arguments("monitor")
    arguments.add_argument("--log", default=os.environ.get("PREDICTION_LOG", ""), help="PREDICTION_LOG by default")
    arguments.add_argument("--until", help="the last day to look at, such as 2024-01-31; yesterday by default")
    arguments.add_argument("--check", action="store_true", help="exit with 1 if somebody must act (level page)")
    options = arguments.parse_args(argv)
    last = last_day(options.until)
    live = Live(Bundle.load(paths.BUNDLE), paths.REPORTS)
    document = monitor(StoredLog(options.log), live, Params.load(), last)
    send(document, os.environ)
    print(terminal_table(document, FOLDER / REPORT, get_terminal_size((100, 24)).columns))
    if options.check and document["level"] == "page":
        paging = len(findings_at(document, "page"))
        raise UserError(f"{paging} finding{'s' * (paging != 1)} of level page, by which --check fails")


def monitor(log: StoredLog, live: Live, params: Params, last: date) -> dict[str, Any]:
    """Judge the periods that end with a day; write build/monitoring, and return the content of monitoring.json."""
    FOLDER.mkdir(parents=True, exist_ok=True)  # at once: reading the log may take minutes
    document = judge(log, live, params, last)
    write_outputs(document, FOLDER)
    return document


def judge(log: StoredLog, live: Live, params: Params, last: date) -> dict[str, Any]:
    """Judge the periods that end with a day; return the content of monitoring.json."""
    periods = periods_until(last, params.monitor.period_days, params.monitor.periods)
    readings = read_all(log, periods, live.bundle, params.data)
    metrics = read_metric_set(live.bundle.manifest.task, params)
    return watch(readings, live, params, metrics, last + DAY)
