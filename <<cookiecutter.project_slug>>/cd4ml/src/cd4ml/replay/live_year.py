"""Operate the model month by month in the scratch copy; each step is given only what was known on its day."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.contract import Contract
from cd4ml.errors import UserError
from cd4ml.monitoring.monitor import monitor
from cd4ml.monitoring.newest import findings_at
from cd4ml.monitoring.periods import Period
from cd4ml.monitoring.watch import Live
from cd4ml.prediction_log.read import StoredLog
from cd4ml.replay.arrivals import arrive, rows_between
from cd4ml.replay.months import DAY, name_of
from cd4ml.replay.releases import release
from cd4ml.replay.retraining import Decision, retrain
from cd4ml.replay.traffic import Traffic, send
from cd4ml.settings import paths
from cd4ml.settings.params import Params

LIVE, LOG, TRAINED = Path("build/live"), Path("build/prediction-log"), Path("build/trained")
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Step:
    """A month: what was live in it, what was asked, and what was found and decided at its end."""

    month: Period
    live: str
    """The version that answered."""
    traffic: Traffic
    level: str
    """The worst of monitoring's findings at the month's end."""
    alarms: list[tuple[str, str, str]]
    """The level, the check and the column of each page and each warning."""
    decision: Decision | None
    """None in the last month, after which there is nothing to serve."""
    trained: Path | None
    """The folder of the bundle that was trained at the month's end; None if there is none."""

    def as_json(self) -> dict[str, Any]:
        """Return what was known and decided, for decisions.json."""
        return {
            "month": name_of(self.month),
            "live": self.live,
            "answered": self.traffic.answered,
            "rejected": self.traffic.rejected,
            "level": self.level,
            "alarms": [list(alarm) for alarm in self.alarms],
            "decision": self.decision and self.decision.as_json(),
        }


def operate(
    table: pd.DataFrame, contract: Contract, first: Period, months: Sequence[Period], progress: Progress
) -> tuple[Decision, list[Step]]:
    """Train the first model, then serve, log, monitor, retrain and release month by month, in the working directory.

    Args:
        table: all rows of the source; those of a day are used from the day after on, but for what is asked.
        contract: of the project.
        first: whose rows train the first model.
        months: to replay, the oldest first.
        progress: is called with a line when something was done.

    Raises:
        UserError: the gate rejects the first model.
    """
    today = first.last + DAY
    arrive(table, contract, today)
    started = retrain(first.last)
    if not started.promoted:
        raise UserError(f"the first model, of {first}, cannot be released: {started.reason}")
    _keep_trained(started)
    live = release(LIVE, today, "the first model")
    progress(f"{live} is live, trained on {first}")
    steps = []
    for month in months:
        step = _operate_month(table, contract, month, live, is_last=month == months[-1])
        steps.append(step)
        if step.decision and step.decision.promoted:
            live = step.decision.version
        progress(_line(step))
    return started, steps


def _operate_month(table: pd.DataFrame, contract: Contract, month: Period, live: str, *, is_last: bool) -> Step:
    today = month.last + DAY
    asked = rows_between(table, contract, month.first, today).drop(columns=contract.target.name)
    traffic = send(LIVE / paths.BUNDLE.name, LOG, asked, contract)
    arrive(table, contract, today)
    served = Live(Bundle.load(LIVE / paths.BUNDLE.name), LIVE / paths.REPORTS.name)
    document = monitor(StoredLog(str(LOG)), served, Params.load(), month.last)
    alarms = [(each["level"], each["check"], each["column"]) for each in findings_at(document, "page", "warn")]
    decision, trained = None, None
    if not is_last:
        decision = retrain(month.last)
        trained = _keep_trained(decision)
        if decision.promoted:
            release(LIVE, today, f"retrained on the rows until {month.last}")
    return Step(month, live, traffic, document["level"], alarms, decision, trained)


def _keep_trained(decision: Decision) -> Path | None:
    """Copy the bundle that was trained, whether it was released or not; None if the training failed."""
    if not decision.version:
        return None
    return Path(shutil.copytree(paths.BUNDLE, TRAINED / decision.until))


def _line(step: Step) -> str:
    line = f"{name_of(step.month)}: {step.traffic.answered:,} predictions by {step.live}, monitoring: {step.level}"
    if step.decision is None:
        return line
    return f"{line}; {step.decision.version or 'no model'} {'promoted' if step.decision.promoted else 'refused'}"
