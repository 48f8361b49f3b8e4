"""Read the rows of `data.query` from a database.

PostgreSQL and SQLite are read here, through SQLAlchemy, in pieces, in a read-only transaction. DuckDB and the
warehouses have modules of their own, since their drivers return Arrow tables.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import sqlalchemy as sql

from cd4ml.errors import DataError
from cd4ml.source.address import Address
from cd4ml.source.driver import require_package
from cd4ml.source.duckdb_query import duckdb_pieces, read_duckdb
from cd4ml.source.statement import distinct_names, with_days
from cd4ml.source.warehouse import WAREHOUSES, read_warehouse
from cd4ml.terminal.progress_meter import ProgressMeter

PIECE = 20_000  # rows
_CONNECT_TIMEOUT = 15  # seconds
_KEEPALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}  # seconds, seconds, times
_AS_STRING = (UUID, time, timedelta, dict, list)


def read_query(address: Address, query: str, first: date | None, last: date | None) -> pa.Table:
    """Return the rows of a query, sorted by all columns, so that the same rows give the same table.

    `:first` in the query is the first day to use, `:after` the day after the last one; without a limit they are the
    earliest and the latest possible date.

    Raises:
        DataError: the database does not answer, or rejects the query; there are no rows, or a column has values of
            more than one type.
    """
    statement = with_days(query, first, last)
    database = address.url.partition("://")[0].lower()
    if database == "duckdb":
        table = read_duckdb(address, statement)
    elif database in WAREHOUSES:
        table = read_warehouse(address, statement)
    else:
        table = joined_pieces([*_pieces(address, statement)])
    if not table.num_rows:
        days = "".join(f", :{name} was {day}" for name, day in statement.compile().params.items())
        raise DataError(f"params.yaml: data.query returned no rows; check its conditions and its tables{days}")
    return _sorted(table)


def query_pieces(address: Address, query: str) -> Iterator[pa.Table]:
    """Yield the rows of a query in pieces, in the order in which they come; a table without rows if there are none.

    The pieces may differ in the types of a column. What a warehouse returns is one piece.

    Raises:
        DataError: the database does not answer, or rejects the query; a column has values of more than one type.
    """
    statement = with_days(query, None, None)
    database = address.url.partition("://")[0].lower()
    if database == "duckdb":
        return duckdb_pieces(address, statement, PIECE)
    if database in WAREHOUSES:
        return iter([read_warehouse(address, statement)])
    return _pieces(address, statement)


def _pieces(address: Address, statement: sql.TextClause) -> Iterator[pa.Table]:
    """Yield the rows that PostgreSQL or SQLite returns, in the order in which they come; at least one table."""
    try:
        with _connection(address) as connection:
            result = connection.execution_options(yield_per=PIECE).execute(statement)
            if not result.returns_rows:
                raise DataError("params.yaml: data.query is a statement that returns nothing; write a SELECT")
            names = distinct_names([*result.keys()])
            meter, rows = ProgressMeter(f"reading from {address.printable}"), 0
            for piece in result.partitions(PIECE):
                columns = zip(*piece, strict=True)
                yield pa.table({name: _column(name, values) for name, values in zip(names, columns, strict=True)})
                rows += len(piece)
                meter.report_rows(rows)
            if not rows:
                yield pa.table({name: pa.nulls(0) for name in names})
    except sql.exc.SQLAlchemyError as failure:
        raise DataError(_explain(address, failure)) from None


@contextmanager
def _connection(address: Address) -> Iterator[sql.Connection]:
    url = sql.make_url(address.url)
    if url.get_backend_name() == "sqlite":
        engine = sql.create_engine(_read_only_file(address, url), hide_parameters=True)
    else:
        require_package("psycopg", "postgresql", "data.source is in PostgreSQL")
        url = url.set(drivername="postgresql+psycopg")
        arguments = {"connect_timeout": _CONNECT_TIMEOUT, **_KEEPALIVE}
        engine = sql.create_engine(url, hide_parameters=True, connect_args=arguments)
        engine = engine.execution_options(postgresql_readonly=True)
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(sql.text("SET TIME ZONE 'UTC'"))
            yield connection
    finally:
        engine.dispose()


def _read_only_file(address: Address, url: sql.URL) -> sql.URL:
    if not url.database or not Path(url.database).is_file():
        raise DataError(
            f"params.yaml: data.source {address.printable}: there is no such file; expected sqlite:/// and a path from "
            "the project's folder, or sqlite://// and a path from the root"
        )
    uri = Path(url.database).absolute().as_uri()  # with mode=ro, SQLite does not create a file that is missing
    return sql.URL.create("sqlite", database=uri, query={"mode": "ro", "uri": "true"})


def joined_pieces(tables: list[pa.Table]) -> pa.Table:
    """Return the pieces of a query's rows as one table, in types that hold the values of all of them.

    Raises:
        DataError: a column has values of more than one type.
    """
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as mixed:
        raise DataError(f"params.yaml: data.query returns a column of more than one type ({mixed}); CAST it") from None


def _column(name: str, values: tuple[Any, ...]) -> pa.Array:
    try:
        column = pa.array([_arrow_value(value) for value in values])
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        kinds = ", ".join(sorted({type(value).__name__ for value in values if value is not None}))
        raise DataError(f"params.yaml: data.query returns {name} with more than one type ({kinds}); CAST it") from None
    if pa.types.is_timestamp(column.type) and column.type.tz:
        return column.cast(pa.timestamp("us", tz="UTC"))
    return column


def _arrow_value(value: Any) -> Any:
    """Return a value of a type that fits the contract: decimals as floats, types without counterpart as strings."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime) or not isinstance(value, _AS_STRING):
        return value
    return str(value)


def _sorted(table: pa.Table) -> pa.Table:
    for index, name in enumerate(table.column_names):
        table = table.set_column(index, name, _sortable(table.column(index)))
    unordered = (pa.types.is_null, pa.types.is_nested, pa.types.is_interval)
    keys = [(field.name, "ascending") for field in table.schema if not any(test(field.type) for test in unordered)]
    return table.sort_by(keys) if keys else table


def _sortable(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the same values in a type that Arrow can sort, if there is one."""
    kind = values.type
    if isinstance(kind, pa.BaseExtensionType):
        return _sortable(pa.chunked_array([chunk.storage for chunk in values.chunks], kind.storage_type))
    if pa.types.is_dictionary(kind):
        return _sortable(values.cast(kind.value_type))
    plain = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary(), pa.float16(): pa.float32()}
    return values.cast(plain[kind]) if kind in plain else values


def _explain(address: Address, failure: sql.exc.SQLAlchemyError) -> str:
    message = address.redact(str(getattr(failure, "orig", None) or failure)).strip()
    reason = message.splitlines()[0] if message else type(failure).__name__
    if isinstance(failure, sql.exc.OperationalError) and "connect" in message:
        return f"{address.printable} does not answer: {reason}"
    return f"{address.printable} rejects data.query of params.yaml: {reason}"
