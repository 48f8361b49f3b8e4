"""Read the records of the prediction log again, from a folder or a bucket."""

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cd4ml.errors import DataError, describe
from cd4ml.prediction_log.address import checked, connect, require_packages

_DAY = re.compile(r"date=[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
_ANSWER = 60.0  # seconds that a bucket may take to list a day, or to return the files that are read at once
_FILES_AT_ONCE, _BYTES_AT_ONCE = 500, 4_000_000  # that are in memory together; of Parquet, some ten times as much


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
            self._filesystem, self._root = connect(self.place)
            self._filesystem.invalidate_cache()  # which this process may have kept from an earlier call
            if not self.call("exists", self._root):
                raise DataError(f"there is no prediction log in {place}; check --log or PREDICTION_LOG")

    def days(self) -> list[date]:
        """Return the days that have records, the oldest first."""
        with self.readable():
            names = [path.rstrip("/").rpartition("/")[2] for path in self.call("ls", self._root, detail=False)]
            return sorted(date.fromisoformat(name.removeprefix("date=")) for name in names if _DAY.fullmatch(name))

    def tables(self, day: date) -> Iterator[tuple[str, pa.Table]]:
        """Yield the path and the records of each file of a day, of which a few megabytes are in memory at once.

        Raises:
            DataError: a file cannot be read, or holds no records.
        """
        for batch in self._batches(day, None):
            yield from batch.items()

    def flat_tables(self, day: date, fields: Collection[str] | None = None) -> Iterator[pa.Table]:
        """Yield the records of a day, those of several files together; they may be more than memory holds.

        The columns of `row` are named `row.COLUMN`. Each table has records of the same columns and types: those of an
        earlier contract or another task are in a table of their own.

        Args:
            day: in UTC.
            fields: the fields to read, as `record` names them; None: all.

        Raises:
            DataError: a file cannot be read, or holds no records.
        """
        for batch in self._batches(day, fields):
            by_schema: dict[pa.Schema, list[pa.Table]] = {}
            for table in (table.flatten().replace_schema_metadata() for table in batch.values()):
                by_schema.setdefault(table.schema, []).append(table)
            yield from (pa.concat_tables(tables) for tables in by_schema.values())

    def _batches(self, day: date, fields: Collection[str] | None) -> Iterator[dict[str, pa.Table]]:
        for paths in _in_batches(self._sizes(day)):
            with self.readable():
                contents = self.call("cat", paths)
            yield {path: _table_in(path, content, fields) for path, content in contents.items()}

    def _sizes(self, day: date) -> dict[str, int]:
        """Return the bytes of each whole file of a day, by its path."""
        with self.readable():
            try:
                listed = self.call("ls", f"{self._root}/date={day.isoformat()}", detail=True)
            except FileNotFoundError:
                return {}
        sizes = {str(entry["name"]): int(entry["size"] or 0) for entry in listed if entry["type"] != "directory"}
        return {path: sizes[path] for path in sorted(sizes) if _is_whole(path)}

    def call(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Call a function of fsspec's filesystem; of a bucket, for no longer than an answer may take.

        Raises:
            TimeoutError: the bucket does not answer.
            Exception: whatever the cloud's library raises.
        """
        if "://" in self.place:  # the clouds' libraries try again for minutes, or wait for ever
            options["timeout"] = _ANSWER
        return getattr(self._filesystem, name)(*arguments, **options)

    @contextmanager
    def readable(self) -> Iterator[None]:
        """Turn what the cloud's library raises into an error of one line."""
        try:
            yield
        except DataError:
            raise
        except TimeoutError:
            raise DataError(
                f"{self.place} does not answer within {_ANSWER:.0f} seconds; check its name, the network and the "
                "credentials"
            ) from None
        except Exception as failure:
            advice = "check the credentials" if "://" in self.place else "check --log or PREDICTION_LOG"
            raise DataError(f"{self.place} cannot be read: {describe(failure)[:300]}; {advice}") from None


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
    return _concatenated(place, tables)


def _concatenated(place: str, tables: list[pa.Table]) -> pa.Table:
    """Return flat tables of records as one, with the columns of all.

    Raises:
        DataError: a column has different types.
    """
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as failure:
        raise DataError(f"{place} has models whose records do not fit together: {describe(failure)[:200]}") from None


def _table_in(path: str, content: bytes, fields: Collection[str] | None) -> pa.Table:
    try:
        # Without Arrow's threads: one that still holds Python's bytes when the process ends would abort it.
        file = pq.ParquetFile(pa.BufferReader(content), pre_buffer=False)
        if "id" not in file.schema_arrow.names:
            raise DataError(f"{path} holds no records of predictions; remove it")
        return file.read(None if fields is None else list(fields), use_threads=False)
    except (pa.ArrowException, OSError) as failure:
        raise DataError(f"{path} cannot be read: {describe(failure)[:200]}; remove or restore it") from None


def _in_batches(sizes: Mapping[str, int]) -> Iterator[list[str]]:
    """Yield paths of files that are read together: several megabytes, or many small files."""
    batch: list[str] = []
    collected = 0
    for path, size in sizes.items():
        if batch and (len(batch) == _FILES_AT_ONCE or collected + size > _BYTES_AT_ONCE):
            yield batch
            batch, collected = [], 0
        batch.append(path)
        collected += size
    if batch:
        yield batch


def _is_whole(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.endswith(".parquet") and not name.startswith(".")
