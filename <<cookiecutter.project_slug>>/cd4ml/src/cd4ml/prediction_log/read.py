"""Read the records of the prediction log again, from a folder or a bucket."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cd4ml.errors import DataError, describe
from cd4ml.prediction_log.address import checked, connect, require_packages

_DAY = re.compile(r"date=[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
_AT_ONCE = 16  # files that are read at the same time


class StoredLog:
    """The files of a prediction log."""

    def __init__(self, place: str) -> None:
        """Open a folder or a bucket.

        Raises:
            DataError: it is neither, or cannot be reached.
            UserError: a package that reads it is not installed.
        """
        if place in ("", "stdout"):
            where = "the platform keeps what goes to stdout" if place else "no prediction log is named"
            raise DataError(f"{where}; name a folder, or the URL of a bucket, with --log or as PREDICTION_LOG")
        try:
            self.place = checked(place)
        except ValueError as fault:
            raise DataError(f"PREDICTION_LOG {fault}") from None
        require_packages(self.place)
        with self.readable():
            self.filesystem, self._root = connect(self.place)
            self.filesystem.invalidate_cache()  # which this process may have kept from an earlier call
            if not self.filesystem.exists(self._root):
                raise DataError(f"there is no prediction log in {place}; check --log or PREDICTION_LOG")

    def days(self) -> list[date]:
        """Return the days that have records, the oldest first."""
        with self.readable():
            names = [path.rstrip("/").rpartition("/")[2] for path in self.filesystem.ls(self._root, detail=False)]
            return sorted(date.fromisoformat(name.removeprefix("date=")) for name in names if _DAY.fullmatch(name))

    def tables(self, day: date) -> Iterator[tuple[str, pa.Table]]:
        """Yield the path and the records of each file of a day, of which a few are in memory at once.

        Raises:
            DataError: a file cannot be read, or holds no records.
        """
        with self.readable():
            try:
                listed = self.filesystem.ls(f"{self._root}/date={day.isoformat()}", detail=False)
            except FileNotFoundError:
                return
        paths = sorted(path for path in listed if _is_whole(path))
        for start in range(0, len(paths), _AT_ONCE):
            with self.readable():
                contents = self.filesystem.cat(paths[start : start + _AT_ONCE])
            for path, content in contents.items():
                yield path, _table_in(path, content)

    @contextmanager
    def readable(self) -> Iterator[None]:
        """Turn what the cloud's library raises into an error of one line."""
        try:
            yield
        except DataError:
            raise
        except Exception as failure:
            raise DataError(f"{self.place} cannot be read: {describe(failure)[:300]}; check the credentials") from None


def read(place: str, first: date, last: date) -> pa.Table:
    """Return the records from `first` to `last`, both included, in UTC; the columns of `row` are named `row.COLUMN`.

    The fields are those that `record` documents; `row` has the columns of all models that made predictions.

    Raises:
        DataError: the log cannot be read, or its files do not fit together.
    """
    log = StoredLog(place)
    tables, day = [], first
    while day <= last:
        tables += [table.flatten() for _, table in log.tables(day)]
        day += timedelta(days=1)
    if not tables:
        return pa.table({})
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as failure:
        raise DataError(f"{place} has models whose records do not fit together: {describe(failure)[:200]}") from None


def _table_in(path: str, content: bytes) -> pa.Table:
    try:
        # Without Arrow's threads: one that still holds Python's bytes when the process ends would abort it.
        table = pq.ParquetFile(pa.BufferReader(content), pre_buffer=False).read(use_threads=False)
    except (pa.ArrowException, OSError) as failure:
        raise DataError(f"{path} cannot be read: {describe(failure)[:200]}; remove or restore it") from None
    if "id" not in table.column_names:
        raise DataError(f"{path} holds no records of predictions; remove it")
    return table


def _is_whole(path: Any) -> bool:
    name = str(path).rpartition("/")[2]
    return name.endswith(".parquet") and not name.startswith(".")
