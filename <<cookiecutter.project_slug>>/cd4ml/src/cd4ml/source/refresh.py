"""Look at the source, and take in what is new: `make refresh`."""

import subprocess  # dvc, with words of ours alone
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cd4ml.contract.contract import Contract
from cd4ml.contract.table import times_of_table, write_table
from cd4ml.errors import DataError, ParamsError, UserError
from cd4ml.files.atomic import scratch_folder
from cd4ml.files.dvc_command import dvc_command, dvc_environment
from cd4ml.files.dvc_run_lock import dvc_locked
from cd4ml.files.yaml_edit import check_values, write_values
from cd4ml.settings import paths
from cd4ml.settings.params import DataParams, Params
from cd4ml.source.read import TABLE_FROM_REFRESH, read_source
from cd4ml.source.window import report_unused_columns, select_columns, select_rows
from cd4ml.terminal.arguments import Arguments
from cd4ml.terminal.output import report

_DAY = timedelta(days=1)
_LAST_ZONE = timedelta(hours=12)  # at UTC-12 a day ends last


def main(argv: list[str]) -> None:
    """Set `data.until` to the newest day that the source holds and that is over, and run ingest whatever it was.

    Nothing is changed before the source has been read and was found to hold rows of the window.

    Raises:
        UserError: the source cannot be read, or has no such rows; a run is under way; ingest failed.
    """
    arguments = Arguments("refresh")
    arguments.add_argument("--until", help="the newest day to use, such as 2024-01-31, also an earlier one than now")
    params, contract = Params.load().data, Contract.load(paths.CONTRACT)
    asked = _day(arguments.parse_args(argv).until, contract)
    before = _rows_of_last_run()
    with dvc_locked():
        if contract.time is not None:
            check_values(paths.PARAMS, "data", ["until"], ParamsError)
    over = newest_day_over(contract, datetime.now(UTC))
    table, left_out = select_columns(read_source(params, *days_to_read(params, asked, over)), contract)
    report_unused_columns(left_out)
    until = asked or newest_day(table, contract, params.last_day, over)
    select_rows(table, contract, params.model_copy(update={"until": until and until.isoformat()}))
    with scratch_folder(paths.DOWNLOAD) as folder:
        write_table(table, folder / "rows.parquet")
        del table
        _set_until(params.last_day, until)
        _ingest(folder / "rows.parquet")
    _conclude(same=before == _rows_in_lock("ingest", "outs"), moved=until != params.last_day)


def newest_day_over(contract: Contract, now: datetime) -> date:
    """Return the newest day that has ended: in UTC where the time column is, else everywhere on earth."""
    in_utc = contract.time is not None and contract.rules()[contract.time].timezone == "UTC"
    return (now if in_utc else now - _LAST_ZONE).date() - _DAY


def days_to_read(params: DataParams, asked: date | None, over: date) -> tuple[date | None, date | None]:
    """Return the first and the last day that a window could begin and end with, once its end is known."""
    last = asked or max(over, params.last_day or over)
    earliest_end = asked or params.last_day
    if earliest_end is None or params.window_days is None:
        return None, last
    return earliest_end - _DAY * (params.window_days - 1), last


def newest_day(table: pd.DataFrame, contract: Contract, until: date | None, over: date) -> date | None:
    """Return the newest day among the rows that is over, or `until` where that is later; None without a time column.

    Raises:
        DataError: no row has a time that can be read, or none of a day that is over.
    """
    if contract.time is None:
        return until
    times = times_of_table(table, contract) if contract.time in table else None
    if times is None or np.isnat(times).all():
        raise DataError(f"the source has no row with a time that can be read in {contract.time}, the contract's time")
    days = times[~np.isnat(times)].astype("datetime64[D]")
    ended = days[days <= np.datetime64(over)]
    if not len(ended):
        if until is not None:
            return until
        raise DataError(f"the source holds no day that is over: its first is {days.min()}; try again tomorrow")
    newest: date = ended.max().item()
    if until is not None and newest < until:
        report(f"the newest day there is {newest}; data.until stays {until} (UNTIL={newest} would move it back)")
    return max(newest, until or newest)


def _day(text: str | None, contract: Contract) -> date | None:
    if text is None:
        return None
    if contract.time is None:
        raise UserError("UNTIL needs a time column, and contract.yaml names none; leave it out")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise UserError(f'"{text}" is no day; write one such as UNTIL=2024-01-31') from None
    over = newest_day_over(contract, datetime.now(UTC))
    if day > over:
        raise UserError(f"{day} is not over yet; the newest day that may be asked for is {over}")
    return day


def _set_until(before: date | None, until: date | None) -> None:
    with dvc_locked():
        if until is not None and until != before:
            write_values(paths.PARAMS, "data", {"until": until.isoformat()}, ParamsError)
            report(f"params.yaml: data.until is {until} now{f', was {before}' if before else ''}")


def _ingest(rows: Path) -> None:
    command = dvc_command("repro", "--force", "--single-item", "ingest")
    done = subprocess.run(command, env=dvc_environment() | {TABLE_FROM_REFRESH: str(rows)}, check=False)
    if done.returncode:
        raise UserError("ingest did not end well, for the reason above; when that is mended, make refresh goes on")


def _rows_of_last_run() -> str | None:
    """Return the checksum of the rows that were validated last: those that the present model was made of."""
    return _rows_in_lock("validate", "deps")


def _rows_in_lock(stage: str, side: str) -> str | None:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    lock = Path("dvc.lock")
    if not lock.exists():
        return None
    try:
        stages: Any = YAML(typ="safe", pure=True).load(lock).get("stages", {})
    except (YAMLError, AttributeError):
        raise UserError("dvc.lock cannot be read; after a merge, keep one side of it, then run this again") from None
    listed = stages.get(stage, {}).get(side, [])
    return next((entry.get("md5") for entry in listed if entry["path"] == paths.RAW.as_posix()), None)


def _conclude(*, same: bool, moved: bool) -> None:
    if not same:
        print("new rows; next: make train")
    elif moved:
        print("nothing new: the same rows as before; data.until, which names the model, moved: make train")
    else:
        print("nothing new: the same rows as before")
