"""A day of the prediction log may be larger than memory: it is read a few files at a time, only what is asked for."""

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cd4ml.prediction_log import read
from cd4ml.prediction_log.read import StoredLog

DAY = date(2024, 7, 1)


def write(log: Path, files: int, records: int) -> None:
    folder = log / f"date={DAY}"
    folder.mkdir(parents=True)
    generator = np.random.default_rng(0)
    for number in range(files):
        sizes = pa.array(generator.random(records))
        row = pa.StructArray.from_arrays([sizes], ["size"])
        ids = [f"{number}-{each}" for each in range(records)]
        pq.write_table(pa.table({"id": ids, "kind": ["user"] * records, "row": row}), folder / f"{number:05}.parquet")


def test_large_files_are_read_a_few_at_a_time_and_each_once(tmp_path, monkeypatch):
    write(tmp_path, files=12, records=2_000)
    size = next(tmp_path.rglob("*.parquet")).stat().st_size
    monkeypatch.setattr(read, "_BYTES_AT_ONCE", 3.5 * size)

    tables = list(StoredLog(str(tmp_path)).flat_tables(DAY))

    assert [len(table) for table in tables] == [6_000] * 4
    assert len(set(pa.concat_tables(tables)["id"].to_pylist())) == 24_000


def test_small_files_are_read_many_at_a_time(tmp_path, monkeypatch):
    write(tmp_path, files=7, records=1)
    monkeypatch.setattr(read, "_FILES_AT_ONCE", 5)

    tables = list(StoredLog(str(tmp_path)).flat_tables(DAY))

    assert [len(table) for table in tables] == [5, 2]


@pytest.mark.parametrize(
    ("fields", "columns"), [(None, ["id", "kind", "row.size"]), (["id"], ["id"]), (["id", "row"], ["id", "row.size"])]
)
def test_only_the_fields_that_are_asked_for_are_read(tmp_path, fields, columns):
    write(tmp_path, files=1, records=3)

    (table,) = StoredLog(str(tmp_path)).flat_tables(DAY, fields)

    assert table.column_names == columns


def test_a_day_without_records_has_no_tables(tmp_path):
    write(tmp_path, files=1, records=1)

    assert list(StoredLog(str(tmp_path)).flat_tables(date(2024, 7, 2))) == []
