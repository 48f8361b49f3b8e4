"""Damage the files of a prediction log, as other writers, older contracts and hands do."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

NEWEST_DAYS = ("2024-07-29", "2024-07-30", "2024-07-31", "2024-08-01", "2024-08-02", "2024-08-03", "2024-08-04")
"""The newest week of what `served_log` writes."""
Change = Callable[[pa.Table], pa.Table]


def files_of(log: Path, days: Iterable[str] = NEWEST_DAYS) -> list[Path]:
    """Return the files of some days."""
    return [path for day in days for path in sorted((log / f"date={day}").glob("*.parquet"))]


def rewrite(log: Path, change: Change, days: Iterable[str] = NEWEST_DAYS) -> None:
    """Write the files of some days again, changed."""
    for path in files_of(log, days):
        pq.write_table(change(pq.read_table(path)), path)


def with_field(name: str, values: Callable[[pa.Table], Any]) -> Change:
    """Return a change that gives the records another field."""
    return lambda table: table.set_column(table.column_names.index(name), name, values(table))


def constant(name: str, value: Any, kind: pa.DataType | None = None) -> Change:
    """Return a change that gives all records the same value of a field."""
    return with_field(name, lambda table: pa.array([value] * len(table), kind))


def with_columns(change: Callable[[dict[str, pa.Array]], dict[str, pa.Array]]) -> Change:
    """Return a change of the columns of `row`, by name."""

    def values(table: pa.Table) -> pa.StructArray:
        row = table["row"].combine_chunks()
        columns = change({field.name: row.field(field.name) for field in row.type})
        return pa.StructArray.from_arrays(list(columns.values()), list(columns))

    return with_field("row", values)
