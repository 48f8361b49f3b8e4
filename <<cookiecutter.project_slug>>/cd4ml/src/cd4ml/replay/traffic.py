"""The month's requests: each row is sent to the real service over HTTP on its day, and its answer is logged."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cd4ml.contract.columns import rows_of_columns
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import as_strings, columns_of_table
from cd4ml.errors import UserError
from cd4ml.replay.months import times_of
from cd4ml.serving.app import create_app
from cd4ml.serving.client import call
from cd4ml.serving.in_thread import running
from cd4ml.serving.service_settings import ServiceSettings

_ROWS = 500  # of a request


@dataclass
class Clock:
    """The time that the service's prediction log reads."""

    nanoseconds: int

    def __call__(self) -> int:
        """Return the time in nanoseconds since 1970, UTC."""
        return self.nanoseconds


@dataclass(frozen=True)
class Traffic:
    """What was asked."""

    answered: int
    rejected: int
    """Rows that break the contract."""


def send(bundle: Path, log: Path, rows: pd.DataFrame, contract: Contract) -> Traffic:
    """Start the service of a bundle, send it rows, each on the day of its time, and stop it.

    Args:
        bundle: the folder of the bundle.
        log: the folder of the prediction log.
        rows: to be sent, without their outcomes.
        contract: by which they are written as JSON.

    Raises:
        UserError: a record was not written, or the service does not answer.
    """
    days = times_of(rows, contract).astype("datetime64[D]")
    clock = Clock(_noon(days.min()))
    settings = ServiceSettings(bundle=bundle, prediction_log=str(log), prediction_log_flush="request")
    app = create_app(bundle, settings, clock=clock)
    answered = rejected = 0
    with running(app) as url:
        for day in np.unique(days):
            clock.nanoseconds = _noon(day)
            requests = as_requests(rows[days == day], contract)
            for first in range(0, len(requests), _ROWS):
                part = requests[first : first + _ROWS]
                ok = _answered(url, part)
                answered, rejected = answered + ok, rejected + len(part) - ok
    if app.prediction_log is None or app.prediction_log.written != answered:
        raise UserError(f"{answered:,} rows were answered, and not all of them are in the prediction log {log}")
    return Traffic(answered, rejected)


def as_requests(rows: pd.DataFrame, contract: Contract) -> list[dict[str, Any]]:
    """Return rows as a request has them: the contract's columns as JSON, and its id."""
    requests = rows_of_columns(columns_of_table(rows, contract), contract)
    if contract.id is None:
        return requests
    identities = [identity if isinstance(identity, str) else None for identity in as_strings(rows[contract.id])]
    return [request | {contract.id: identity} for request, identity in zip(requests, identities, strict=True)]


def _noon(day: np.datetime64) -> int:
    """Return when the requests of a day are sent, in nanoseconds since 1970, UTC."""
    return int((day.astype("datetime64[h]") + 12).astype("datetime64[ns]").astype(np.int64))


def _answered(url: str, rows: list[dict[str, Any]]) -> int:
    """Send rows; if one breaks the contract, send each alone. Return how many were answered."""
    reply = call(url, "/predict", {"rows": rows})
    if reply.status == 200:
        return len(rows)
    if reply.status != 422:
        raise UserError(f"the service answered {reply.status}: {str(reply.body)[:200]}")
    return sum(_answered(url, [row]) for row in rows) if len(rows) > 1 else 0
