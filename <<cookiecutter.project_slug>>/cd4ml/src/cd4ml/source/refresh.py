"""The verb `refresh`: read the source again, move `data.until` to its newest complete day, and run ingest."""

import subprocess  # dvc, with arguments that the library chooses
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from cd4ml.contract.contract import Contract
from cd4ml.contract.table import times_of_table, write_table
from cd4ml.errors import DataError, ParamsError, UserError
from cd4ml.files.atomic import scratch_folder
from cd4ml.files.dvc_command import dvc_command, dvc_environment
from cd4ml.files.dvc_lock import read_stages
from cd4ml.files.dvc_run_lock import dvc_locked
from cd4ml.files.run_dvc import reader_has_ended
from cd4ml.files.yaml_edit import check_values, write_values
from cd4ml.settings import paths
from cd4ml.settings.params import DataParams, Params
from cd4ml.source.contract_values import contract_values
from cd4ml.source.read import TABLE_FROM_REFRESH, read_source
from cd4ml.source.window import report_unused_columns, select_rows, with_target
from cd4ml.terminal.arguments import Arguments
from cd4ml.terminal.output import report

_DAY = timedelta(days=1)
_LAST_TIMEZONE = timedelta(hours=12)  # behind UTC: where a day ends last


def main(argv: list[str]) -> None:
    """Set `data.until` to the newest complete day of the source, and run the stage ingest.

    Nothing changes before the source was read and rows of the window were found in it.

    Raises:
        UserError: the source cannot be read, or has no row in the window; DVC is running; ingest failed.
    """
    arguments = Arguments("refresh")
    arguments.add_argument("--until", help="the newest day to use, such as 2024-01-31; it may be earlier than now")
    options = arguments.parse_args(argv)
    params, contract = Params.load().data, Contract.load(paths.CONTRACT)
    requested = _parse_until(options.until, contract)
    rows_before = _digest_of_rows("validate", "deps")  # of the rows that the present model was trained on
    with dvc_locked():
        if contract.time is not None:
            check_values(paths.PARAMS, "data", ["until"], ParamsError)
    complete = newest_complete_day(contract, datetime.now(UTC))
    source = read_source(params, *days_to_read(params, requested, complete))
    report_unused_columns(source, contract)
    table = contract_values(source, contract, params)
    until = requested or new_until(with_target(table, contract), contract, params.last_day, complete)
    select_rows(table, contract, params.model_copy(update={"until": until and until.isoformat()}))
    with scratch_folder(paths.DOWNLOAD) as folder:
        write_table(table, folder / "rows.parquet")
        del source, table
        _set_until(params.last_day, until)
        _ingest(folder / "rows.parquet")
    _print_result(same_rows=rows_before == _digest_of_rows("ingest", "outs"), until_moved=until != params.last_day)


def newest_complete_day(contract: Contract, now: datetime) -> date:
    """Return the newest day that has ended: in UTC if the time column is in UTC, else in every timezone."""
    in_utc = contract.time is not None and contract.table_columns()[contract.time].timezone == "UTC"
    return (now if in_utc else now - _LAST_TIMEZONE).date() - _DAY


def days_to_read(params: DataParams, requested: date | None, complete: date) -> tuple[date | None, date | None]:
    """Return the first and the last day that the window may contain, before its end is known from the rows."""
    last = requested or max(complete, params.last_day or complete)
    earliest_end = requested or params.last_day
    if earliest_end is None or params.window_days is None:
        return None, last
    return earliest_end - _DAY * (params.window_days - 1), last


def new_until(table: pd.DataFrame, contract: Contract, until: date | None, complete: date) -> date | None:
    """Return the newest day of the rows up to `complete`, or `until` if that is later; None without a time column.

    Raises:
        DataError: no row has a valid time, or none is of a complete day.
    """
    if contract.time is None:
        return until
    times = times_of_table(table, contract) if contract.time in table else None
    if times is None or np.isnat(times).all():
        raise DataError(f"no row of the source has a valid time in {contract.time}, the time column in contract.yaml")
    days = times[~np.isnat(times)].astype("datetime64[D]")
    complete_days = days[days <= np.datetime64(complete)]
    if not len(complete_days):
        if until is not None:
            return until
        raise DataError(f"the source has no complete day yet: its first day is {days.min()}; try again tomorrow")
    newest: date = complete_days.max().item()
    if until is not None and newest < until:
        report(f"the newest day of the source is {newest}; data.until stays {until} (UNTIL={newest} moves it back)")
    return max(newest, until or newest)


def _parse_until(text: str | None, contract: Contract) -> date | None:
    if text is None:
        return None
    if contract.time is None:
        raise UserError("UNTIL needs a time column, and contract.yaml names none; leave UNTIL out")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise UserError(f'UNTIL is "{text}"; expected a date such as 2024-01-31') from None
    complete = newest_complete_day(contract, datetime.now(UTC))
    if day > complete:
        raise UserError(f"UNTIL is {day}, which has not ended yet; expected {complete} or an earlier day")
    return day


def _set_until(before: date | None, until: date | None) -> None:
    with dvc_locked():
        if until is not None and until != before:
            write_values(paths.PARAMS, "data", {"until": until.isoformat()}, ParamsError)
            report(f"params.yaml: data.until is {until} now{f', was {before}' if before else ''}")


def _ingest(rows: Path) -> None:
    command = dvc_command("repro", "--force", "--single-item", "ingest")
    done = subprocess.run(command, env=dvc_environment() | {TABLE_FROM_REFRESH: str(rows)}, check=False)
    if done.returncode and reader_has_ended():
        raise BrokenPipeError
    if done.returncode:
        raise UserError("the stage ingest failed, for the reason above; fix it, then run make refresh again")


def _digest_of_rows(stage: str, kind: str) -> str | None:
    """Return the digest of data/raw.parquet among a stage's `deps` or `outs` in dvc.lock; None if it is not there."""
    entries = read_stages("dvc.lock").get(stage, {}).get(kind, [])
    return next((entry.get("md5") for entry in entries if entry["path"] == paths.RAW.as_posix()), None)


def _print_result(*, same_rows: bool, until_moved: bool) -> None:
    if not same_rows:
        print("new rows; next: make train")
    elif until_moved:
        print("nothing new: the same rows as before; but data.until, which names the model, has moved: make train")
    else:
        print("nothing new: the same rows as before")
