"""Read the rows of `data.query` from BigQuery, Snowflake or Databricks, as the Arrow table that their drivers return.

A warehouse has no read-only transaction. Only a SELECT is sent; beyond that, the credentials must be of a role that may
only read.
"""

import logging
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import sqlalchemy as sql

from cd4ml.errors import DataError
from cd4ml.source.address import Address
from cd4ml.source.driver import require_package
from cd4ml.source.statement import distinct_names, with_question_marks

_CONNECT = 30  # seconds
_ATTEMPTS = 5  # of Databricks' driver to connect, which take a minute
_SELECT = re.compile(r"(?:\s|\(|--[^\n]*+|/\*.*?\*/)*+(?:select|with)\b", re.IGNORECASE | re.DOTALL)  # after comments


def read_warehouse(address: Address, statement: sql.TextClause) -> pa.Table:
    """Return the rows of a query, in the order in which they come.

    Raises:
        DataError: the driver is not installed, the address or the environment lacks something, the warehouse does not
            answer or denies access, or the query is not a SELECT or is rejected.
    """
    text, days = with_question_marks(statement)
    if not _SELECT.match(text):
        raise DataError("params.yaml: data.query is not a SELECT, and a warehouse is sent nothing else")
    url = sql.make_url(address.url)
    read = WAREHOUSES[url.get_backend_name().lower()]
    with _one_line_errors(address):
        table = read(url, text, days)
        distinct_names(table.column_names)
        return table


def _read_bigquery(url: sql.URL, text: str, days: list[Any]) -> pa.Table:
    """`bigquery://PROJECT/DATASET?location=EU`, with Google's application default credentials."""
    require_package("google.cloud.bigquery", "bigquery", "data.source is in BigQuery")
    from google.cloud import bigquery

    job = bigquery.QueryJobConfig(
        query_parameters=[bigquery.ScalarQueryParameter(None, "DATE", day) for day in days],
        default_dataset=f"{url.host}.{url.database}" if url.database else None,
    )
    retry = bigquery.DEFAULT_RETRY.with_timeout(_CONNECT)
    with bigquery.Client(project=url.host, location=_one(url.query.get("location"))) as client:
        query = client.query(text, job_config=job, retry=retry, job_retry=None)
        return query.result(job_retry=None).to_arrow(create_bqstorage_client=False)


def _read_snowflake(url: sql.URL, text: str, days: list[Any]) -> pa.Table:
    """`snowflake://USER@ACCOUNT/DATABASE/SCHEMA?warehouse=W&role=R`, with a key file, a token or a password."""
    require_package("snowflake.connector", "snowflake", "data.source is in Snowflake")
    import snowflake.connector

    database, _, schema = (url.database or "").partition("/")
    named = {"account": url.host, "user": url.username, "database": database, "schema": schema, **_plain(url.query)}
    with (
        snowflake.connector.connect(
            **{name: value for name, value in named.items() if value},
            **_snowflake_credentials(url.password),
            paramstyle="qmark",
            login_timeout=_CONNECT,
            session_parameters={"TIMEZONE": "UTC", "CLIENT_TELEMETRY_ENABLED": False},
        ) as connection,
        connection.cursor() as cursor,
    ):
        return cursor.execute(text, days or None).fetch_arrow_all(force_return_table=True)


def _snowflake_credentials(password: str | None) -> dict[str, str]:
    """Return the arguments that sign in: the password of the URL, or what the environment has."""
    if password:
        return {"password": password}
    settings = os.environ
    if file := settings.get("SNOWFLAKE_PRIVATE_KEY_FILE"):
        phrase = settings.get("SNOWFLAKE_PRIVATE_KEY_PASSPHRASE")
        key = {"authenticator": "SNOWFLAKE_JWT", "private_key_file": file}
        return key | ({"private_key_file_pwd": phrase} if phrase else {})
    if token := settings.get("SNOWFLAKE_TOKEN"):
        return {"authenticator": "PROGRAMMATIC_ACCESS_TOKEN", "token": token}
    if password := settings.get("SNOWFLAKE_PASSWORD"):
        return {"password": password}
    raise DataError(
        "data.source is in Snowflake, and nothing signs in there: set SNOWFLAKE_PRIVATE_KEY_FILE, SNOWFLAKE_TOKEN or "
        "SNOWFLAKE_PASSWORD"
    )


def _read_databricks(url: sql.URL, text: str, days: list[Any]) -> pa.Table:
    """`databricks://HOST?http_path=/sql/1.0/warehouses/ID&catalog=C&schema=S`, with DATABRICKS_TOKEN."""
    require_package("databricks.sql", "databricks", "data.source is in Databricks")
    from databricks import sql as databricks

    named = _plain(url.query)
    token = url.password or os.environ.get("DATABRICKS_TOKEN")
    if not token:
        raise DataError("data.source is in Databricks, and nothing signs in there: set DATABRICKS_TOKEN")
    if "http_path" not in named:
        raise DataError(
            "params.yaml: data.source lacks http_path, which names the SQL warehouse; expected "
            "databricks://HOST?http_path=/sql/1.0/warehouses/ID"
        )
    with (
        databricks.connect(
            server_hostname=url.host,
            access_token=token,
            session_configuration={"TIMEZONE": "UTC"},
            enable_telemetry=False,
            _retry_stop_after_attempts_count=_ATTEMPTS,
            **named,
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(text, days or None)
        return cursor.fetchall_arrow()


WAREHOUSES = {"bigquery": _read_bigquery, "snowflake": _read_snowflake, "databricks": _read_databricks}
"""What reads each, by the scheme of its URL."""


def _plain(query: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(_one(value)) for name, value in query.items()}


def _one(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) else value


@contextmanager
def _one_line_errors(address: Address) -> Iterator[None]:
    """Turn any error of a driver into a DataError of one line, and silence its log, which may show secrets."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except DataError:
        raise
    except Exception as failure:  # each driver has its own, and lets through those of what it is made of
        lines = address.redact(str(failure)).strip().splitlines()
        reason = lines[0].rstrip(".") if lines else type(failure).__name__
        raise DataError(
            f"{address.printable} cannot be read: {reason}; check the address, the credentials and data.query"
        ) from None
    finally:
        logging.disable(disabled)
