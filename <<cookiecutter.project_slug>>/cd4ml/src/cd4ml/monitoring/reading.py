"""Read all that monitoring looks at: the prediction log of some periods, and the source with the outcomes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd

from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import times_of_table
from cd4ml.contract.validation import violations
from cd4ml.errors import DataError
from cd4ml.monitoring.label_delay import Coverage
from cd4ml.monitoring.outcomes import Labelled, LabelledAnswers, Outcomes, outcomes_of, source_rows
from cd4ml.monitoring.periods import DAY, Period
from cd4ml.monitoring.served import ColumnCounter, Served, ServedCounter
from cd4ml.monitoring.usable_records import usable_records
from cd4ml.prediction_log.read import StoredLog
from cd4ml.settings.params import DataParams
from cd4ml.terminal.output import report


@dataclass(frozen=True)
class Source:
    """The source, read again."""

    outcomes: Outcomes
    broken: pd.DataFrame
    """The rules of the contract that rows break which the model was not trained on, as `violations` returns them."""
    new_rows: int


@dataclass(frozen=True)
class Readings:
    """What was read; all of it is aggregated, but for the answers whose outcome is known."""

    periods: list[Period]
    served: list[Served]
    """Of each period. The columns were counted of the last two only."""
    counters: dict[str, ColumnCounter]
    source: Source | None
    """None if it cannot be read."""
    source_error: str
    outcomes: Outcomes
    """Of the source; none if it cannot be read."""
    labelled: Labelled
    coverage: Coverage
    newest_record: date | None
    """The day of the newest request of a user in these periods; if there is none, the newest day in the log before."""
    newest_outcome: date | None
    """The newest day up to the end of the periods of which the source has an outcome."""
    ahead_in_log: date | None
    """The newest day in the log that has not come yet anywhere; None if there is none: clocks may be wrong."""
    ahead_in_source: date | None
    """The same of the source's outcomes."""


def read_all(log: StoredLog, periods: list[Period], bundle: Bundle, data: DataParams) -> Readings:
    """Read the log of some periods, the oldest first, and the source.

    Raises:
        DataError: the log cannot be read.
    """
    source, error = None, ""
    try:
        source = read_source_again(data, bundle.contract, bundle)
    except DataError as failure:
        error = str(failure)
    outcomes = source.outcomes if source else outcomes_of(_no_rows(bundle.contract), bundle.contract)
    counter, answers = ServedCounter(bundle), LabelledAnswers(outcomes, bundle.decision)
    served = []
    for number, period in enumerate(periods):
        counted = Served()
        columns = number >= len(periods) - 2
        for day in period.days():
            for records in usable_records(log, day, bundle, counted, columns=columns):
                answers.add(counter.add(counted, records, columns=columns))
        report(f"{period}: {counted.rows:,} predictions")
        served.append(counted)
    labelled = answers.labelled()
    coverage = Coverage.of(answers.answered, labelled.times)
    days, tomorrow = log.days(), datetime.now(UTC).date() + DAY
    outcome_days = outcomes.days()
    return Readings(
        periods,
        served,
        counter.columns,
        source,
        error,
        outcomes,
        labelled,
        coverage,
        newest_record(served) or _newest([day for day in days if day < periods[0].first]),
        _newest([day for day in outcome_days if day <= periods[-1].last]),
        _newest([day for day in days if day > tomorrow]),
        _newest([day for day in outcome_days if day > tomorrow]),
    )


def read_source_again(data: DataParams, contract: Contract, bundle: Bundle) -> Source:
    """Read the source, and check the rows that are newer than those that the model was trained on.

    Raises:
        DataError: it cannot be read, or lacks a column of the contract.
    """
    rows = source_rows(data, contract)
    if absent := [name for name in contract.table_columns() if name not in rows]:
        raise DataError(
            f"the source lacks the column{'s' if absent[1:] else ''} {', '.join(absent)}; put back what was removed or "
            "renamed, or change contract.yaml and run `make train`"
        )
    fresh = _newer(rows, contract, bundle)
    return Source(outcomes_of(rows, contract), violations(fresh, contract), len(fresh))


def newest_record(served: Sequence[Served]) -> date | None:
    """Return the day of the newest request of a user in some periods; None if there is none."""
    times = [each.newest for each in served if each.newest is not None]
    return max(times).date() if times else None


def _newest(days: Sequence[date]) -> date | None:
    return max(days, default=None)


def _newer(rows: pd.DataFrame, contract: Contract, bundle: Bundle) -> pd.DataFrame:
    """Return the rows after the newest day that the model was made from; none if there is no time."""
    until, times = bundle.manifest.until, times_of_table(rows, contract) if contract.time in rows else None
    if times is None or until is None:
        return rows.iloc[:0]
    return rows[times.astype("datetime64[D]") > np.datetime64(until)]


def _no_rows(contract: Contract) -> pd.DataFrame:
    names = [*contract.table_columns()]
    return pd.DataFrame({name: pd.Series([], dtype=object) for name in names})
