"""Rows come from files and databases as they are, and what is secret about a source is never shown."""

import sqlite3
import sys
import traceback
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from cd4ml.errors import DataError, ParamsError
from cd4ml.settings.params import DataParams, Params
from cd4ml.source import read as reading
from cd4ml.source.read import read_source

SECRET = "pass/w0rd@x"


def refused(source: str, query: str | None = None) -> str:
    """Return what is said of a source that cannot be read, its traceback included."""
    with pytest.raises(DataError) as refusal:
        read_source(DataParams(source=source, query=query))
    assert len(str(refusal.value).splitlines()) == 1
    return "".join(traceback.format_exception(refusal.value))


@pytest.mark.parametrize(
    "source",
    [
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
    ],
)
def test_a_secret_in_params_is_refused_with_its_line_and_not_repeated(project, source):
    project.replace("params.yaml", "houses.csv", f'"{source}"\n  query: SELECT 1')

    with pytest.raises(ParamsError) as refusal:
        project.run("ingest")

    first = str(refusal.value).splitlines()[0]
    assert first.startswith("params.yaml:2: data.source: it holds a ")
    assert "write ${NAME} in its place" in first
    assert "hunter22" not in str(refusal.value)


@pytest.mark.parametrize(
    ("source", "query", "said"),
    [
        ("http://example.org/rows.csv", None, ":2: data.source: http:// can be read and changed by whoever is on"),
        ("ftp://example.org/rows.csv", None, ":2: data.source: the beginning is not known here; write a path"),
        ("postgres://example.org/sales", "SELECT 1", "(postgresql:// is meant)"),
        ("https://example.org/*.csv", None, "https:// cannot list files; name one, without *"),
        (
            "sqlite:///sales.db",
            None,
            ":1: data: data.source is a database: write the SELECT",
        ),
        ("houses.csv", "SELECT 1", ":3: data.query: a query is for a database, and data.source is none; remove it"),
    ],
)
def test_a_source_that_cannot_be_meant_is_refused(project, source, query, said):
    project.replace("params.yaml", "houses.csv", source + (f"\n  query: {query}" if query else ""))

    with pytest.raises(ParamsError) as refusal:
        project.run("ingest")

    assert said in str(refusal.value)


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
def test_a_source_without_a_secret_may_stand_there(source):
    assert DataParams(source=source).source == source


def test_a_variable_that_is_not_set_is_named(monkeypatch):
    monkeypatch.delenv("SALES_URL", raising=False)

    said = refused("${SALES_URL}")

    assert "data.source names ${SALES_URL}, which the environment does not hold: set it first" in said


def test_a_source_from_the_environment_is_never_shown(monkeypatch):
    monkeypatch.setenv("SALES_URL", f"ftp://me:{SECRET}@example.org/sales")

    said = refused("${SALES_URL}")

    assert "data.source ${SALES_URL}: the beginning is not known here" in said
    assert SECRET not in said


def test_an_error_that_nobody_foresaw_shows_no_secret(monkeypatch):
    def fail(address, *_):
        raise RuntimeError(f"cannot connect to {address.url}")

    monkeypatch.setenv("PASSWORD", SECRET)
    monkeypatch.setattr(reading, "_read", fail)

    said = refused("postgresql://me:${PASSWORD}@example.org/sales", "SELECT 1")

    assert "RuntimeError: cannot connect to postgresql://***@example.org/sales" in said.replace("me:${PASSWORD}", "***")
    assert SECRET not in said
    assert "w0rd" not in said


@pytest.mark.parametrize(
    ("source", "package", "group"),
    [
        ("s3://bucket/*.csv", "s3fs", "s3"),
        ("gs://bucket/rows.csv", "gcsfs", "gs"),
        ("az://container/rows.csv", "adlfs", "azure"),
        ("postgresql:///sales", "psycopg", "postgresql"),
    ],
)
def test_a_package_that_is_missing_is_named_with_what_to_do(monkeypatch, source, package, group):
    monkeypatch.setitem(sys.modules, package, None)

    said = refused(source, "SELECT 1" if package == "psycopg" else None)

    assert (
        f"{package} is not installed: add {group} to ALSO in the Makefile (ALSO := {group}), then run make setup"
        in said
    )


def test_files_of_folders_below_are_read_in_the_order_of_their_names(tmp_path):
    for number, name in enumerate(["b/2024/x.csv", "a/2024/x.csv", "a/2023/x.csv"]):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(f"n\n{number}\n")

    assert read_source(DataParams(source="*/**/*.csv"))["n"].tolist() == [2, 1, 0]
    assert read_source(DataParams(source=str(tmp_path / "a/*/x.csv")))["n"].tolist() == [2, 1]


def test_a_column_of_numbers_in_one_file_and_texts_in_another_can_be_kept(project):
    table = project.table
    table.head(200).assign(street=7).to_csv("1.csv", index=False)
    table.tail(200).to_csv("2.csv", index=False)
    project.replace("params.yaml", "houses.csv", "'[12].csv'")

    project.run("ingest", "validate")

    assert pd.read_parquet("data/raw.parquet")["street"].value_counts()["7"] == 200


def test_rows_outside_the_window_and_repeated_ones_are_left_out_and_counted(project, capsys):
    table = project.table
    again = table[table["sold_on"].between("2024-06-10", "2024-06-12")]
    project.table = pd.concat([table, again])
    project.replace("params.yaml", '"2024-06-30"', '"2024-06-20"\n  window_days: 31')
    inside = table["sold_on"].between("2024-05-21", "2024-06-20")

    project.run("ingest", "validate")

    newer, older = (table["sold_on"] > "2024-06-20").sum(), (table["sold_on"] < "2024-05-21").sum()
    said = (
        f"{inside.sum()} rows; left out: {newer} after the last day, {older} before the window, {len(again)} repeated"
    )
    assert said in capsys.readouterr().out
    assert len(pd.read_parquet("data/raw.parquet")) == inside.sum()


def test_rows_that_share_an_id_and_differ_are_a_broken_contract(project):
    project.table = pd.concat([project.table, project.table.head(2).assign(size=99.0)])

    with pytest.raises(DataError, match=r'house_id +unique +4 +"house-0", "house-1"'):
        project.run("ingest", "validate")


def test_without_an_id_equal_rows_are_different_things(project):
    project.replace("contract.yaml", "id: house_id\n", "")
    project.table = pd.concat([project.table, project.table.head(1)])

    project.run("ingest")

    assert len(pd.read_parquet("data/raw.parquet")) == 401


@pytest.fixture
def database(project):
    """The houses in SQLite, as params.yaml's source."""
    with sqlite3.connect("houses.db") as connection:
        project.table.to_sql("houses", connection, index=False)
    connection.close()
    project.replace("params.yaml", "houses.csv", "sqlite:///houses.db\n  query: SELECT * FROM houses")
    return project


def test_a_database_gives_the_rows_that_its_file_gives(database):
    database.run("ingest", "validate")

    raw = pd.read_parquet("data/raw.parquet")
    expected = database.table[raw.columns].sort_values(["sold_on", "house_id"], ignore_index=True)
    expected["heated"] = expected["heated"].astype(float)  # SQLite knows no booleans
    expected["sold_fast"] = expected["sold_fast"].astype(int)
    got = raw.sort_values(["sold_on", "house_id"], ignore_index=True)
    pd.testing.assert_frame_equal(got, expected, check_dtype=False)


def test_the_same_rows_in_another_order_give_the_same_bytes(database):
    database.run("ingest")
    before = Path("data/raw.parquet").read_bytes()

    database.replace("params.yaml", "FROM houses", "FROM houses ORDER BY random()")
    database.run("ingest")

    assert Path("data/raw.parquet").read_bytes() == before


def test_rows_come_in_pieces_whose_columns_need_not_agree(monkeypatch):
    from cd4ml.source import database

    monkeypatch.setattr(database, "PIECE", 2)
    query = "SELECT column1 a, column2 b FROM (VALUES (NULL, 1), (NULL, 2), (5, 2.5), (7, NULL), (8, 4))"
    sqlite3.connect("t.db").close()

    table = read_source(DataParams(source="sqlite:///t.db", query=query))

    assert table.sort_values("b")["a"].fillna(0).tolist() == [0, 0, 5, 8, 7]


def test_a_query_may_ask_for_the_window_alone(database, monkeypatch):
    database.replace("params.yaml", "FROM houses", "FROM houses WHERE sold_on >= :first AND sold_on < :after")
    params = DataParams(source="sqlite:///houses.db", query=Params.load().data.query)

    days = read_source(params, date(2024, 3, 1), date(2024, 3, 31))["sold_on"]

    assert (days.min()[:10], days.max()[:10]) == ("2024-03-01", "2024-03-31")
    assert len(read_source(params)) == 400


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT * FROM flats", "sqlite:///houses.db refuses data.query of params.yaml: no such table: flats"),
        ("DELETE FROM houses", "attempt to write a readonly database"),
        ("SELECT * FROM houses WHERE sold_on < :until", "names :until; only :first and :after are filled in"),
        ("SELECT size, price AS size FROM houses", "gives size more than once; name the columns apart with AS"),
        ("SELECT 1 AS a UNION SELECT 'x'", "gives a with more than one type (int, str); CAST it"),
    ],
)
def test_a_query_that_cannot_be_used_is_refused(database, query, said):
    before = Path("houses.db").read_bytes()

    assert said in refused("sqlite:///houses.db", query)
    assert Path("houses.db").read_bytes() == before


def test_a_database_that_is_not_there_is_not_made():
    assert "there is no such file" in refused("sqlite:///new.db", "SELECT 1")
    assert not Path("new.db").exists()


def test_a_contract_can_be_drafted_from_a_database(database, capsys):
    from cd4ml.source.draft_contract import main

    main([])

    assert "price: {type: number, min: 0}" in capsys.readouterr().out
