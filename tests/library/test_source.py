"""Rows are read from files and databases as they are, and no message shows a secret of the source."""

import sqlite3
import sys
import traceback
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from cd4ml.errors import DataError, ParamsError
from cd4ml.settings.params import DataParams, Params
from cd4ml.source import read
from cd4ml.source.address import Address
from cd4ml.source.read import read_source

SECRET = "pass/w0rd@x"


def error_of(source: str, query: str | None = None) -> str:
    """Return the error, with its traceback, of a source that cannot be read."""
    with pytest.raises(DataError) as error:
        read_source(DataParams(source=source, query=query))
    assert len(str(error.value).splitlines()) == 1
    return "".join(traceback.format_exception(error.value))


SECRET_SOURCES = [
    "postgresql://me:hunter22@example.org/sales",
    "postgresql://me:hun/ter22@example.org/sales",
    "postgresql://me:hunter22${REST}@example.org/sales",
    "postgresql://example.org/sales?password=hunter22",
    "https://me:hunter22@example.org/rows.csv",
    "https://hunter22@example.org/rows.csv",
    "https://example.org/rows.csv?a=1&sig=hunter22",
    "https://example.org/rows.csv?X-Amz-Signature=hunter22",
    "https://example.org/rows.csv?access_token=hunter22",
    "s3://key:hunter22@bucket/rows.csv",
    "snowflake://me:hunter22@account/sales?warehouse=w",
    "databricks://hunter22@example.org?http_path=/sql/1.0/warehouses/1",
    "databricks://example.org?http_path=/sql/1.0/warehouses/1&access_token=hunter22",
]


@pytest.mark.parametrize("source", SECRET_SOURCES)
def test_a_secret_in_params_is_rejected_with_its_line_and_not_repeated(project, source):
    project.replace("params.yaml", "houses.csv", f'"{source}"\n  query: SELECT 1')

    with pytest.raises(ParamsError) as error:
        project.run("ingest")

    first = str(error.value).splitlines()[0]
    assert first.startswith("params.yaml:2: data.source: it contains a ")
    assert "write ${NAME} in its place" in first
    assert "hunter22" not in str(error.value)


@pytest.mark.parametrize("source", SECRET_SOURCES)
def test_a_secret_on_the_command_line_is_not_repeated_in_messages(source, monkeypatch):
    """make fills `${PASSWORD}` in by itself; `cd4ml score` takes an address that params.yaml may not have."""
    monkeypatch.setenv("REST", "of-it")

    address = Address.resolve(source)

    assert "***" in address.printable
    assert "hunter22" not in address.printable
    assert address.url == source.replace("${REST}", "of-it")


@pytest.mark.parametrize(
    "source",
    [
        "postgresql://me:${REST}@example.org/sales",
        "https://example.org:8080/rows.csv?mail=a@b.org&key=${REST}",
        "s3://bucket/a:b@c/rows.csv",
        "data/a:b@c.csv",
    ],
)
def test_an_address_without_a_secret_is_shown_as_it_is(source, monkeypatch):
    monkeypatch.setenv("REST", "of-it")

    assert Address.resolve(source).printable == source


@pytest.mark.parametrize(
    ("source", "query", "message"),
    [
        ("http://example.org/rows.csv", None, ":2: data.source: http:// is not encrypted; write https://"),
        ("ftp://example.org/rows.csv", None, ":2: data.source: this kind of URL is not supported; expected a path"),
        ("postgres://example.org/sales", "SELECT 1", "(for PostgreSQL: postgresql://)"),
        ("https://example.org/*.csv", None, "https:// cannot list files; name one file, without *"),
        (
            "sqlite:///sales.db",
            None,
            ":1: data: data.source is a database; write the SELECT",
        ),
        (
            "houses.csv",
            "SELECT 1",
            ":3: data.query: data.source is not a database, and only a database takes a query; remove it",
        ),
    ],
)
def test_a_source_that_is_not_supported_is_rejected(project, source, query, message):
    project.replace("params.yaml", "houses.csv", source + (f"\n  query: {query}" if query else ""))

    with pytest.raises(ParamsError) as error:
        project.run("ingest")

    assert message in str(error.value)


@pytest.mark.parametrize(
    "source",
    [
        "data/me:you@here.csv",
        "https://example.org:8443/a@2x.csv?format=csv",
        "https://me:${TOKEN}@example.org/rows.csv",
        "https://example.org/rows.csv?${SAS}",
        "https://example.org/rows.csv?sig=${SIGNATURE}",
        "abfs://container@account.dfs.core.windows.net/*.parquet",
        "http://localhost:8000/rows.csv",
    ],
)
def test_a_source_without_a_secret_is_accepted(source):
    assert DataParams(source=source).source == source


def test_a_variable_that_is_not_set_is_named(monkeypatch):
    monkeypatch.delenv("SALES_URL", raising=False)

    error = error_of("${SALES_URL}")

    assert "data.source contains ${SALES_URL}, and this environment variable is not set; set it: export" in error


def test_a_source_from_the_environment_is_never_shown(monkeypatch):
    monkeypatch.setenv("SALES_URL", f"ftp://me:{SECRET}@example.org/sales")

    error = error_of("${SALES_URL}")

    assert "data.source ${SALES_URL}: this kind of URL is not supported" in error
    assert SECRET not in error


def test_an_unforeseen_error_shows_no_secret(monkeypatch):
    def fail(address, *_):
        raise RuntimeError(f"cannot connect to {address.url}")

    monkeypatch.setenv("PASSWORD", SECRET)
    monkeypatch.setattr(read, "_read", fail)

    error = error_of("postgresql://me:${PASSWORD}@example.org/sales", "SELECT 1")

    assert "RuntimeError: cannot connect to postgresql://***@example.org/sales" in error.replace(
        "me:${PASSWORD}", "***"
    )
    assert SECRET not in error
    assert "w0rd" not in error


@pytest.mark.parametrize(
    ("source", "value", "hidden", "failure"),
    [
        ("postgresql://me@${X}/sales", "db1", "db1", 'could not translate host name "db1" to address'),
        ("postgresql://me@${X}/sales", "DB.Intern.example", "db.intern", 'no route to "db.intern.example"'),
        ("${X}", "postgresql://eve:pw@db.intern:5433/crm", "db.intern", 'could not translate host name "db.intern"'),
        ("${X}", "postgresql://eve:pw@db.intern:5433/crm", "eve", 'password authentication failed for user "eve"'),
        ("${X}", "postgresql://eve:pw@db.intern:5433/crm", "crm", 'database "crm" does not exist'),
    ],
)
def test_no_part_of_a_value_from_the_environment_is_shown(monkeypatch, source, value, hidden, failure):
    def fail(*_):
        raise RuntimeError(failure)

    monkeypatch.setenv("X", value)
    monkeypatch.setattr(read, "_read", fail)

    error = error_of(source, "SELECT 1").splitlines()[-1]

    assert hidden not in error
    assert error.count("${X}") == 1 + source.count("${X}")


def test_a_folder_from_the_environment_is_not_shown(monkeypatch, tmp_path, capsys):
    folder = tmp_path / "secret-place"
    folder.mkdir()
    monkeypatch.setenv("PLACE", str(folder))

    assert 'data.source "${PLACE}/*.csv" matches no file' in error_of("${PLACE}/*.csv")
    (folder / "notes.doc").touch()
    assert "${PLACE}/notes.doc is neither Parquet nor CSV" in error_of("${PLACE}")
    (folder / "rows.csv").write_text("a,b\n1,2,3\n")
    assert "${PLACE}/rows.csv:2: 3 values in a row" in error_of("${PLACE}")
    (folder / "rows.csv").unlink()
    (folder / "rows.parquet").write_bytes(b"PAR1")
    assert "${PLACE}/rows.parquet cannot be read" in error_of("${PLACE}")
    (folder / "rows.parquet").unlink()
    (folder / "rows.csv").mkdir()
    errors = error_of("${PLACE}/rows.csv")

    assert "secret-place" not in errors + capsys.readouterr().out


@pytest.mark.parametrize(
    ("source", "package", "group"),
    [
        ("s3://bucket/*.csv", "s3fs", "s3"),
        ("gs://bucket/rows.csv", "gcsfs", "gs"),
        ("az://container/rows.csv", "adlfs", "azure"),
        ("postgresql:///sales", "psycopg", "postgresql"),
        ("duckdb://", "duckdb", "duckdb"),
        ("bigquery://project/sales", "google.cloud.bigquery", "bigquery"),
        ("snowflake://me@account/sales", "snowflake.connector", "snowflake"),
        ("databricks://example.org?http_path=/x", "databricks.sql", "databricks"),
    ],
)
def test_a_package_that_is_missing_is_named_with_what_to_do(monkeypatch, source, package, group):
    monkeypatch.setitem(sys.modules, package, None)

    error = error_of(source, None if package.endswith("fs") else "SELECT 1")

    assert (
        f"{package} is not installed: add {group} to ALSO in the Makefile (ALSO := {group}), then run make setup"
        in error
    )


def test_files_in_subfolders_are_read_in_the_order_of_their_names(tmp_path):
    for number, name in enumerate(["b/2024/x.csv", "a/2024/x.csv", "a/2023/x.csv"]):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(f"n\n{number}\n")

    assert read_source(DataParams(source="*/**/*.csv")).rows["n"].tolist() == ["2", "1", "0"]
    assert read_source(DataParams(source=str(tmp_path / "a/*/x.csv"))).rows["n"].tolist() == ["2", "1"]


def test_a_column_of_numbers_in_one_file_and_strings_in_another_is_read_as_strings(project):
    table = project.table
    table.head(200).assign(street=7).to_csv("1.csv", index=False)
    table.tail(200).to_csv("2.csv", index=False)
    project.replace("params.yaml", "houses.csv", "'[12].csv'")

    project.run("ingest", "validate")

    assert pd.read_parquet("data/raw.parquet")["street"].value_counts()["7"] == 200


def test_rows_outside_the_window_and_repeated_ones_are_left_out_and_counted(project, capsys):
    table = project.table
    repeated = table[table["sold_on"].between("2024-06-10", "2024-06-12")]
    project.table = pd.concat([table, repeated])
    project.replace("params.yaml", '"2024-06-30"', '"2024-06-20"\n  window_days: 31')
    inside = table["sold_on"].between("2024-05-21", "2024-06-20")

    project.run("ingest", "validate")

    newer, older = (table["sold_on"] > "2024-06-20").sum(), (table["sold_on"] < "2024-05-21").sum()
    line = (
        f"{inside.sum()} rows; left out: {newer} after the last day, {older} before the window, "
        f"{len(repeated)} repeated"
    )
    assert line in capsys.readouterr().out
    assert len(pd.read_parquet("data/raw.parquet")) == inside.sum()


def test_different_rows_with_the_same_id_break_the_contract(project):
    project.table = pd.concat([project.table, project.table.head(2).assign(size=99.0)])

    with pytest.raises(DataError, match=r'house_id +unique +4 +"house-0", "house-1"'):
        project.run("ingest", "validate")


def test_without_an_id_equal_rows_are_kept(project):
    project.replace("contract.yaml", "id: house_id\n", "")
    project.table = pd.concat([project.table, project.table.head(1)])

    project.run("ingest")

    assert len(pd.read_parquet("data/raw.parquet")) == 401


@pytest.fixture
def database(project):
    """A project whose source is a SQLite database with the houses."""
    with sqlite3.connect("houses.db") as connection:
        project.table.to_sql("houses", connection, index=False)
    connection.close()
    project.replace("params.yaml", "houses.csv", "sqlite:///houses.db\n  query: SELECT * FROM houses")
    return project


def test_a_database_returns_the_same_rows_as_a_file(database):
    database.run("ingest", "validate")

    raw = pd.read_parquet("data/raw.parquet")
    expected = database.table[raw.columns].sort_values(["sold_on", "house_id"], ignore_index=True)
    expected["heated"] = expected["heated"].astype("boolean")
    rows = raw.sort_values(["sold_on", "house_id"], ignore_index=True)
    pd.testing.assert_frame_equal(rows, expected, check_dtype=False)


def test_the_same_rows_in_another_order_give_the_same_bytes(database):
    database.run("ingest")
    before = Path("data/raw.parquet").read_bytes()

    database.replace("params.yaml", "FROM houses", "FROM houses ORDER BY random()")
    database.run("ingest")

    assert Path("data/raw.parquet").read_bytes() == before


def test_pieces_of_a_result_may_have_different_types(monkeypatch):
    from cd4ml.source import database

    monkeypatch.setattr(database, "PIECE", 2)
    query = "SELECT column1 a, column2 b FROM (VALUES (NULL, 1), (NULL, 2), (5, 2.5), (7, NULL), (8, 4))"
    sqlite3.connect("t.db").close()

    table = read_source(DataParams(source="sqlite:///t.db", query=query)).rows

    assert table.sort_values("b")["a"].fillna(0).tolist() == [0, 0, 5, 8, 7]


def test_rows_of_nothing_but_nulls_are_read(database):
    table = read_source(DataParams(source="sqlite:///houses.db", query="SELECT NULL AS a FROM houses")).rows

    assert table["a"].isna().sum() == 400


def test_a_query_may_select_the_window(database, monkeypatch):
    database.replace("params.yaml", "FROM houses", "FROM houses WHERE sold_on >= :first AND sold_on < :after")
    params = DataParams(source="sqlite:///houses.db", query=Params.load().data.query)

    days = read_source(params, date(2024, 3, 1), date(2024, 3, 31)).rows["sold_on"]

    assert (days.min()[:10], days.max()[:10]) == ("2024-03-01", "2024-03-31")
    assert len(read_source(params).rows) == 400
    assert len(read_source(params, date.min, date.max).rows) == 400
    with pytest.raises(DataError, match=r"returned no rows; .*, :first was 2025-03-01, :after was 2025-04-01"):
        read_source(params, date(2025, 3, 1), date(2025, 3, 31))


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT * FROM flats", "sqlite:///houses.db rejects data.query of params.yaml: no such table: flats"),
        ("DELETE FROM houses", "attempt to write a readonly database"),
        ("SELECT * FROM houses WHERE sold_on < :until", "contains :until, and only :first and :after are filled in"),
        ("SELECT size, price AS size FROM houses", "returns two columns named size; rename one with AS"),
        ("SELECT * FROM houses WHERE 1 = 0", "params.yaml: data.query returned no rows; check its conditions"),
        ("SELECT 1 AS a UNION SELECT 'x'", "returns a with more than one type (int, str); CAST it"),
    ],
)
def test_a_query_that_cannot_be_used_is_rejected(database, query, message):
    before = Path("houses.db").read_bytes()

    assert message in error_of("sqlite:///houses.db", query)
    assert Path("houses.db").read_bytes() == before


def test_a_missing_database_is_not_created():
    assert "there is no such file" in error_of("sqlite:///new.db", "SELECT 1")
    assert not Path("new.db").exists()


def test_a_contract_can_be_drafted_from_a_database(database, capsys):
    from cd4ml.source.draft_contract import main

    main([])

    assert "price: {type: number, min: 0}" in capsys.readouterr().out
