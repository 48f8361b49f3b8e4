"""A Parquet file keeps its types: values are kept or converted exactly, or rejected with the column's name."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import columns_of_table
from cd4ml.errors import DataError
from cd4ml.settings import paths
from cd4ml.source.draft_contract import main as draft
from house_project import Project

Ingest = Callable[..., list[Any]]


@pytest.fixture
def source(project: Project) -> Path:
    project.write("params.yaml", "data:\n  source: source\nsplit:\n  minimum_rows: 2\n")
    (project.folder / "source").mkdir()
    return project.folder / "source"


@pytest.fixture
def ingest(project: Project, source: Path) -> Ingest:
    """`ingest(rule, first, second)`: the column x of files with these columns, as the contract's type."""

    def run(rule: str, *files: pa.Array | pd.DataFrame) -> list[Any]:
        for number, x in enumerate(files):
            if isinstance(x, pd.DataFrame):
                x.to_parquet(source / f"{number}.parquet")
            else:
                pq.write_table(pa.table({"x": x, "y": [1.0] * len(x)}), source / f"{number}.parquet")
        project.write(
            paths.CONTRACT.name,
            f"name: x\ntarget: {{name: y, type: number}}\ncolumns:\n  x: {{{rule}, nullable: true}}\n",
        )
        project.run("ingest", "validate")
        contract = Contract.load(project.folder / paths.CONTRACT)
        values: list[Any] = columns_of_table(pd.read_parquet(project.folder / paths.RAW), contract)["x"].tolist()
        return values

    return run


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([2**53 + 1, None]), ["9007199254740993", ""]),
        (pa.array([7.0, None]), ["7", ""]),
        (pa.array(["01234", "7.0"]), ["01234", "7.0"]),
        (pa.array([True, None]), ["true", ""]),
        (pa.array([2**63 + 5], pa.uint64()), ["9223372036854775813"]),
        (pa.array([1, 2]).dictionary_encode(), ["1", "2"]),
        (pa.array(["a", "b"]).dictionary_encode(), ["a", "b"]),
        (pa.array(["a"], pa.large_string()), ["a"]),
        (pa.array(["a"], pa.string_view()), ["a"]),
        (pa.array([b"ab"]), ["ab"]),
        (pa.array([dt.time(1, 2)]), ["01:02:00.000000"]),
        (pa.array([None, None]), ["", ""]),
    ],
)
def test_a_category_is_the_text_of_its_value(ingest: Ingest, values: pa.Array, expected: list[str]) -> None:
    assert ingest("type: category", values) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([Decimal("1.50")]), [1.5]),
        (pa.array([dt.timedelta(minutes=90)]), [5400.0]),
        (pa.array([1.5], pa.float16()), [1.5]),
        (pa.array(["1.5"]), [1.5]),
        (pa.array(["1,5"]), [1.5]),
    ],
)
def test_a_number_is_converted(ingest: Ingest, values: pa.Array, expected: list[float]) -> None:
    assert ingest("type: number", values) == expected


def test_files_of_different_types_are_joined_without_a_loss(ingest: Ingest) -> None:
    joined = ingest("type: category", pa.array([7, None, 2**53 + 1]), pa.array([7.0]), pa.array(["7", "A"]))

    assert joined == ["7", "", "9007199254740993", "7", "7", "A"]


def test_times_with_offsets_are_in_utc(ingest: Ingest) -> None:
    berlin = pa.array([dt.datetime(2024, 1, 1, 11)], pa.timestamp("us", "Europe/Berlin"))
    utc = pa.array([dt.datetime(2024, 1, 1, 11)], pa.timestamp("ns", "UTC"))

    assert ingest("type: timestamp, timezone: UTC", berlin, utc) == [dt.datetime(2024, 1, 1, 11)] * 2


def test_the_index_of_pandas_is_a_column(ingest: Ingest) -> None:
    assert ingest("type: integer", pd.DataFrame({"y": [1.0, 2.0]}, index=pd.Index([7, 8], name="x"))) == [7, 8]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (pa.array([[1, 2]]), "the source's column x holds lists"),
        (pa.array([{"a": 1}]), "the source's column x holds nested values"),
        (pa.array([b"0123456789abcdef"], pa.binary(16)), "the source's column x holds bytes"),
        (pa.array([b"\xff"]), "source/0.parquet cannot be read: Invalid UTF8"),
        (pa.array([float("inf")]), r"x +at most 3.4e\+38 +1 +inf"),
    ],
)
def test_what_no_contract_can_hold_is_rejected(ingest: Ingest, values: pa.Array, message: str) -> None:
    with pytest.raises(DataError, match=message):
        ingest("type: number", values)


def test_a_draft_keeps_the_types_of_the_file(project: Project, source: Path) -> None:
    table = pa.table(
        {"digits": ["1", "2"], "whole": [181.0, 190.0], "count": pa.array([1, None]), "parts": [[1], [2]], "y": [1, 2]}
    )
    pq.write_table(table, source / "a.parquet")
    (project.folder / paths.CONTRACT).unlink()

    draft(["--target", "y"])

    contract = (project.folder / paths.CONTRACT).read_text(encoding="utf-8")
    assert "digits: {type: category}" in contract
    assert "whole: {type: number, min: 0}" in contract
    assert "count: {type: integer, nullable: true, min: 0}" in contract
    assert "parts" not in contract
