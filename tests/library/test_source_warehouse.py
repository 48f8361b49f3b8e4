"""BigQuery, Snowflake and Databricks: their real drivers, up to the error of a warehouse that does not answer.

No warehouse is here, so that no test shows rows of one; how their tables become ours is tested with DuckDB's.
"""

import json
import traceback
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest
import sqlalchemy as sql
from cd4ml.errors import DataError
from cd4ml.settings.params import DataParams
from cd4ml.source import warehouse
from cd4ml.source.read import read_source
from cd4ml.source.statement import with_days, with_question_marks
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

pytestmark = pytest.mark.slow
SECRET = "s3cret-of-warehouse"
SNOWFLAKE = "snowflake://me@cd4ml-test.invalid/sales/public?warehouse=small&role=reader"
DATABRICKS = "databricks://cd4ml-test.invalid?http_path=/sql/1.0/warehouses/1&catalog=main&schema=sales"
CREDENTIALS = (
    "GOOGLE_APPLICATION_CREDENTIALS", "SNOWFLAKE_PRIVATE_KEY_FILE", "SNOWFLAKE_TOKEN", "SNOWFLAKE_PASSWORD",
    "DATABRICKS_TOKEN",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _nobody_is_signed_in(monkeypatch, tmp_path):
    for name in CREDENTIALS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))  # where gcloud keeps its credentials
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setattr(warehouse, "_CONNECT", 3)
    monkeypatch.setattr(warehouse, "_ATTEMPTS", 1)


def error_of(source: str, query: str, capfd) -> str:
    """Return the error in one line; nothing of the secret is printed, logged, or in its traceback."""
    with pytest.raises(DataError) as error:
        read_source(DataParams(source=source, query=query))
    shown = "".join(traceback.format_exception(error.value)) + "".join(capfd.readouterr())
    assert SECRET not in shown
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


@pytest.mark.parametrize(
    ("source", "settings", "reason"),
    [
        (SNOWFLAKE, {"SNOWFLAKE_PASSWORD": SECRET}, "Failed to login"),
        (SNOWFLAKE, {"SNOWFLAKE_TOKEN": SECRET}, "Failed to login"),
        (SNOWFLAKE.replace("me@", "me:${SNOWFLAKE_PASSWORD}@"), {"SNOWFLAKE_PASSWORD": SECRET}, "Failed to login"),
        (SNOWFLAKE, {"SNOWFLAKE_PRIVATE_KEY_FILE": "/nowhere/key.p8"}, "Could not read private key file"),
        (DATABRICKS, {"DATABRICKS_TOKEN": SECRET}, "Failed to resolve"),
        (DATABRICKS.replace("://", "://token:${DATABRICKS_TOKEN}@"), {"DATABRICKS_TOKEN": SECRET}, "Failed to resolve"),
    ],
)
def test_a_warehouse_that_does_not_answer_is_an_error_in_one_line(source, settings, reason, monkeypatch, capfd):
    for name, value in settings.items():
        monkeypatch.setenv(name, value)

    error = error_of(source, "SELECT size FROM houses WHERE sold_on >= :first", capfd)

    assert error.startswith(f"{source} cannot be read: ")
    assert reason in error
    assert error.endswith("; check the address, the credentials and data.query")


@pytest.mark.parametrize(
    ("source", "settings", "message"),
    [
        (SNOWFLAKE, {}, "set SNOWFLAKE_PRIVATE_KEY_FILE, SNOWFLAKE_TOKEN or SNOWFLAKE_PASSWORD"),
        (DATABRICKS, {}, "set DATABRICKS_TOKEN"),
        ("databricks://example.org?catalog=main", {"DATABRICKS_TOKEN": SECRET}, "lacks http_path, which names the SQL"),
        ("bigquery://project/sales", {}, "Your default credentials were not found"),
        ("bigquery://project/sales", {"GOOGLE_APPLICATION_CREDENTIALS": "/nowhere.json"}, "/nowhere.json"),
    ],
)
def test_what_is_missing_is_named(source, settings, message, monkeypatch, capfd):
    for name, value in settings.items():
        monkeypatch.setenv(name, value)

    assert message in error_of(source, "SELECT 1", capfd)


def test_bigquery_that_does_not_answer_is_an_error_in_one_line(monkeypatch, capfd, tmp_path):
    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = {
        "type": "service_account", "private_key": key.decode(), "client_email": "reader@example.org",
        "token_uri": "https://cd4ml-test.invalid/token",
    }  # fmt: skip
    (tmp_path / "key.json").write_text(json.dumps(account))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))

    error = error_of("bigquery://project/sales?location=EU", "SELECT 1", capfd)

    assert "Failed to resolve 'cd4ml-test.invalid'" in error


@pytest.mark.parametrize("source", ["bigquery://project/sales", SNOWFLAKE, DATABRICKS])
@pytest.mark.parametrize(
    "query",
    ["DELETE FROM houses", "-- SELECT\nDROP TABLE houses", "/* SELECT */ INSERT INTO houses VALUES (1)", "selection"],
)
def test_nothing_but_a_select_is_sent(source, query, capfd):
    assert error_of(source, query, capfd).endswith("data.query is not a SELECT, and a warehouse is sent nothing else")


@pytest.mark.parametrize(
    "query", ["select 1", "WITH a AS (SELECT 1) SELECT * FROM a", "-- houses\n/* all\n */ (SELECT 1)"]
)
def test_a_select_may_begin_with_comments_brackets_or_with(query, monkeypatch):
    monkeypatch.setitem(warehouse.WAREHOUSES, "bigquery", lambda *_: pa.table({"n": [1]}))

    assert read_source(DataParams(source="BigQuery://project", query=query)).rows["n"].tolist() == [1]


def test_days_are_parameters_in_the_order_in_which_the_query_names_them():
    statement = with_days(
        r"SELECT '50 %', a::date, '\:b' FROM t WHERE d < :after AND d >= :first AND :after > d;",
        date(2024, 2, 1), date(2024, 2, 29),
    )  # fmt: skip

    text, days = with_question_marks(statement)

    assert isinstance(statement, sql.TextClause)
    assert text == "SELECT '50 %', a::date, ':b' FROM t WHERE d < ? AND d >= ? AND ? > d"
    assert days == [date(2024, 3, 1), date(2024, 2, 1), date(2024, 3, 1)]


def test_a_secret_in_a_drivers_own_message_is_not_shown(monkeypatch, capfd):
    def fail(url, *_):
        raise RuntimeError(f"cannot sign in with {SECRET}\nat {url.host}")

    monkeypatch.setenv("DATABRICKS_TOKEN", SECRET)
    monkeypatch.setitem(warehouse.WAREHOUSES, "databricks", fail)

    assert "cannot sign in with ${DATABRICKS_TOKEN}; check" in error_of(DATABRICKS, "SELECT 1", capfd)


def test_rows_are_sorted_whatever_arrow_types_a_driver_returns(monkeypatch):
    columns = {
        "view": pa.array(["b", "a", None], pa.string_view()),
        "json": pa.array(["{}", "[]", "1"], pa.json_()),
        "kind": pa.array(["x", "y", "x"]).dictionary_encode(),
        "nested": pa.array([{"a": 1}, None, {"a": 2}]),
        "span": pa.array([pa.MonthDayNano((1, 2, 3))] * 3),
        "empty": pa.nulls(3),
        "exact": pa.array([Decimal("2.50"), Decimal("1.25"), None], pa.decimal256(50, 2)),
    }
    table = pa.table(columns)
    tables = [table, pa.concat_tables([table.slice(2), table.slice(0, 2)])]
    monkeypatch.setitem(warehouse.WAREHOUSES, "bigquery", lambda *_: tables.pop())

    one, other = (read_source(DataParams(source="bigquery://project", query="SELECT 1")) for _ in range(2))

    assert one.unusable == {"nested": "nested values"}
    assert one.rows["view"].tolist()[:2] == ["a", "b"]
    assert one.rows["exact"].tolist()[:2] == [1.25, 2.5]
    assert one.rows.astype(str).to_dict("list") == other.rows.astype(str).to_dict("list")
