"""DuckDB as a source: its own files, and Parquet files in folders that are partitions."""

import os
import subprocess
import sys
import traceback
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.dataset
import pytest
from cd4ml.errors import DataError
from cd4ml.settings.params import DataParams
from cd4ml.source.read import read_source

DAYS = {"first": date(2024, 2, 1), "last": date(2024, 2, 29)}


@pytest.fixture
def file(tmp_path):
    """A DuckDB file with a table of sales."""
    with duckdb.connect(str(tmp_path / "sales.duckdb")) as connection:
        connection.execute("""
            CREATE TABLE sales AS SELECT
                range AS id, DATE '2024-01-01' + range::INTEGER AS sold_on, (range * 1.25)::DECIMAL(10, 2) AS price,
                CASE WHEN range % 3 > 0 THEN range * 1000000000000 END AS account, range % 2 = 0 AS paid,
                TIMESTAMPTZ '2024-01-01 12:00:00+02' AS seen, (['a', 'b'])[range % 2 + 1]::ENUM('a', 'b') AS kind,
                [1, 2] AS list, TIME '10:30:00' AS at
            FROM range(100)""")
    return tmp_path / "sales.duckdb"


def rows_of(source: str, query: str, **days: date) -> pd.DataFrame:
    return read_source(DataParams(source=source, query=query), **days).rows


def error_of(source: str, query: str) -> str:
    with pytest.raises(DataError) as error:
        read_source(DataParams(source=source, query=query))
    assert len(str(error.value).splitlines()) == 1
    return "".join(traceback.format_exception(error.value))


def test_values_are_kept_exactly_and_the_order_of_the_rows_does_not_matter(file):
    source = f"duckdb:///{file}"

    table = read_source(DataParams(source=source, query="SELECT * FROM sales"))
    shuffled = rows_of(source, "SELECT * FROM sales ORDER BY hash(id)")

    assert table.unusable == {"list": "lists"}
    rows = table.rows
    pd.testing.assert_frame_equal(rows, shuffled)
    assert rows["account"].dtype == "Int64"
    assert rows["account"].isna().sum() == 34
    assert rows["account"].max() == 98 * 10**12
    assert rows["price"].tolist() == [n * 1.25 for n in range(100)]
    assert rows["seen"].iloc[0] == datetime(2024, 1, 1, 10, tzinfo=UTC)
    assert (rows["kind"].iloc[0], rows["at"].iloc[0]) == ("a", "10:30:00.000000")
    assert rows["paid"].sum() == 50


def test_the_query_has_the_days_of_the_window_as_often_as_it_names_them(file):
    query = "SELECT * FROM sales WHERE sold_on >= :first AND sold_on < :after AND :after > :first -- a note;"

    rows = rows_of(f"duckdb:///{file}", query, **DAYS)

    assert (rows["sold_on"].min(), rows["sold_on"].max()) == (pd.Timestamp("2024-02-01"), pd.Timestamp("2024-02-29"))


def test_a_day_is_one_of_utc_wherever_the_computer_is(file):
    program = (
        "from cd4ml.settings.params import DataParams; from cd4ml.source.read import read_source\n"
        "query = \"SELECT CAST(TIMESTAMPTZ '2024-01-01 02:00:00+00' AS DATE) AS day\"\n"
        "print(read_source(DataParams(source='duckdb://', query=query)).rows['day'][0])"
    )
    command, elsewhere = [sys.executable, "-c", program], os.environ | {"TZ": "America/New_York"}

    printed = subprocess.run(command, env=elsewhere, check=True, capture_output=True, text=True).stdout

    assert printed.splitlines()[-1] == "2024-01-01 00:00:00"


def test_a_path_may_be_relative_and_the_file_is_not_written_to(file):
    before = file.read_bytes()

    assert len(rows_of("duckdb:///sales.duckdb", "SELECT id FROM sales")) == 100

    assert file.read_bytes() == before
    assert sorted(path.name for path in file.parent.iterdir()) == ["sales.duckdb"]


def test_folders_that_are_partitions_become_columns_and_others_are_not_read(tmp_path):
    table = pa.table({"year": [2023] * 3 + [2024] * 2, "region": ["n", "s", "n", "s", "n"], "price": [1, 2, 3, 4, 5]})
    pyarrow.dataset.write_dataset(
        table, tmp_path / "lake", format="parquet", partitioning=["year", "region"], partitioning_flavor="hive"
    )
    broken = tmp_path / "lake/year=2025/region=n/part-0.parquet"
    broken.parent.mkdir(parents=True)
    broken.write_text("not Parquet")
    files = "read_parquet('lake/**/*.parquet', hive_partitioning = true)"

    rows = rows_of("duckdb://", f"SELECT year, region, price FROM {files} WHERE year <= year(:first)", **DAYS)

    assert rows.to_dict("list") == {
        "year": [2023, 2023, 2023, 2024, 2024],
        "region": ["n", "n", "s", "n", "s"],
        "price": [1, 3, 2, 5, 4],
    }


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("COPY (SELECT 1) TO 'out.csv'", "data.query is not one SELECT"),
        ("SELECT 1; DROP TABLE sales", "data.query is not one SELECT"),
        ("CREATE TABLE t AS SELECT 1", "data.query is not one SELECT"),
        ("SELEC 1", 'syntax error at or near "SELEC"'),
        ("SELECT nothing FROM sales", 'Referenced column "nothing" not found'),
        ("SELECT * FROM planes", "Table with name planes does not exist"),
        (
            "SELECT * FROM read_parquet('nowhere/*.parquet')",
            'No files found that match the pattern "nowhere/*.parquet"',
        ),
        ("SELECT 1 AS a, 2 AS a", "returns two columns named a"),
        ("SELECT 1 WHERE :month > 1", "data.query contains :month, and only :first and :after are filled in"),
        ("SELECT * FROM sales WHERE id < 0", "data.query returned no rows"),
    ],
)
def test_what_duckdb_rejects_is_an_error_in_one_line(file, query, message):
    error = error_of(f"duckdb:///{file}", query)

    assert message in error
    assert not Path("out.csv").exists()


def test_a_file_that_does_not_exist_is_not_made(tmp_path):
    assert "there is no such file; expected duckdb:/// and a path" in error_of("duckdb:///other.duckdb", "SELECT 1")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "rows.duckdb").write_text("not a database")
    assert "rejects data.query" in error_of("duckdb:///rows.duckdb", "SELECT 1")


def test_a_secret_in_the_environment_is_not_shown(monkeypatch, file):
    monkeypatch.setenv("PLACE", str(file))

    error = error_of("duckdb:///${PLACE}", f"SELECT * FROM read_parquet('{file}/x.parquet')")

    assert str(file) not in error.splitlines()[-1]
