"""The verb `monitor-live`: judge the model that is live by its prediction log, for a workflow."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cd4ml.bundle.bundle import Bundle
from cd4ml.delivery.actions_io import add_to_summary, set_outputs
from cd4ml.delivery.live_model import LiveModel, fetch_live_model, releases
from cd4ml.delivery.retraining import reason_to_retrain
from cd4ml.errors import DataError
from cd4ml.monitoring.monitor import FOLDER, monitor
from cd4ml.monitoring.outputs import DOCUMENT, REPORT, send
from cd4ml.monitoring.periods import last_day
from cd4ml.monitoring.summary import summary
from cd4ml.monitoring.terminal_table import terminal_table
from cd4ml.monitoring.watch import Live
from cd4ml.prediction_log.read import StoredLog
from cd4ml.settings.params import Params
from cd4ml.settings.project import read_project
from cd4ml.storage.dvc_remote import unreachable_reason
from cd4ml.terminal.arguments import Arguments

_BUNDLE, _REPORTS = Path("build/live"), Path("build/live-reports")
_WIDTH = 120  # of the log of a run


def main(argv: list[str]) -> None:
    """Judge the log that PREDICTION_LOG names; write build/monitoring, summary and outputs, and send the figures on.

    The outputs are `level`, empty if nothing was judged, `retrain`, yes or no, and the `reason`. Without a log or a
    model nothing is judged, and the output says so.

    Raises:
        UserError: the model cannot be fetched, or the log of a released model cannot be read.
    """
    arguments = Arguments("monitor-live")
    arguments.add_argument("--until", help="the last day to look at, such as 2024-01-31; yesterday by default")
    last = last_day(arguments.parse_args(argv).until)
    (FOLDER / DOCUMENT).unlink(missing_ok=True)
    opened = _open(os.environ)
    if isinstance(opened, str):
        set_outputs(level="", reason="", retrain="no")
        add_to_summary(f"nothing was judged: {opened}")
        print(f"nothing was judged: {opened}")
        return
    live, log = opened
    live.write_reports(_REPORTS)
    watched = Live(Bundle.load(live.bundle), _REPORTS, releases() if live.is_released else ())
    document = monitor(log, watched, Params.load(), last)
    send(document, os.environ)
    _tell(document, live)


def _open(settings: Mapping[str, str]) -> tuple[LiveModel, StoredLog] | str:
    """Return the live model and its log; or why there is nothing to judge."""
    place = settings.get("PREDICTION_LOG", "").strip()
    if not place:
        return (
            "PREDICTION_LOG is not set; set the repository's variable PREDICTION_LOG (cd4ml/docs/alerts-in-github.md)"
        )
    if place == "stdout":
        return "PREDICTION_LOG is stdout, which the platform keeps; a folder or a bucket can be read"
    project = read_project()
    if "://" in place and settings.get("SIGNED_IN") == "false":
        return f"PREDICTION_LOG is a bucket, and this run is not signed in to {project.cloud}"
    if reason := unreachable_reason():
        return reason
    live = fetch_live_model(_BUNDLE)
    if live is None:
        return "there is no model yet"
    try:
        return live, StoredLog(place)
    except DataError as failure:
        if live.is_released:
            raise
        return f"no model was released yet, and {failure}"


def _tell(document: Mapping[str, Any], live: LiveModel) -> None:
    reason = reason_to_retrain(document)
    set_outputs(level=document["level"], reason=reason, retrain="yes" if reason else "no")
    where = f"The model is the one on {live.branch}."
    add_to_summary(f"{summary(document)}\n\n{where}")
    print(f"{terminal_table(document, FOLDER / REPORT, _WIDTH)}\n{where}")
