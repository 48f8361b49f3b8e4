"""The verb `forget-id`: remove the records of one id from the prediction log."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from cd4ml.errors import DataError, UserError, describe
from cd4ml.files.atomic import replacing
from cd4ml.prediction_log.parquet import encode
from cd4ml.prediction_log.read import StoredLog
from cd4ml.terminal.arguments import Arguments
from cd4ml.terminal.output import report


def main(argv: list[str]) -> None:
    """Remove the records of an id, and print how many there were.

    Raises:
        UserError: the log is not in a folder or a bucket, or a file of it cannot be read or written.
    """
    arguments = Arguments("forget-id")
    arguments.add_argument("id", help="of the contract, as requests carry it")
    arguments.add_argument("--log", default=os.environ.get("PREDICTION_LOG", ""), help="a folder, or a bucket's URL")
    options = arguments.parse_args(argv)
    if options.log == "stdout":
        raise UserError(
            "the prediction log goes to stdout, so that the platform keeps it: delete the records there, or let it "
            "keep them for a shorter time"
        )
    records, files = forget(StoredLog(options.log), options.id)
    if not records:
        report(f"no record of this id in {options.log}; the service writes its records a little later than it predicts")
        return
    report(f"removed records of this id: {records:,}, from {files:,} file{'s' if files > 1 else ''}")
    if "://" in options.log:
        report("a bucket that keeps earlier versions or deleted objects has them until it removes these")


def forget(log: StoredLog, identity: str) -> tuple[int, int]:
    """Rewrite each file that holds records of an id, whole or not at all; return the numbers of records and files.

    What was rewritten before a failure stays so; the next call goes on from there.

    Raises:
        DataError: a file cannot be read or written.
    """
    records = files = 0
    for day in log.days():
        for path, table in log.tables(day):
            kept = table.filter(pc.fill_null(pc.not_equal(table["id"].cast(pa.string()), identity), True))
            if kept.num_rows == table.num_rows:
                continue
            try:
                _rewrite(log, path, kept)
            except Exception as failure:
                raise DataError(
                    f"{path} cannot be rewritten: {describe(failure)[:300]}; {files} files were; run this again"
                ) from None
            records, files = records + table.num_rows - kept.num_rows, files + 1
    return records, files


def _rewrite(log: StoredLog, path: str, kept: pa.Table) -> None:
    """Replace a file, or remove it if nothing is left in it."""
    if kept.num_rows == 0:
        log.call("rm_file", path)
    elif "://" in log.place:
        log.call("pipe_file", path, encode(kept))
    else:
        with replacing(Path(path)) as temporary:
            temporary.write_bytes(encode(kept))
