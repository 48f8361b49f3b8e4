"""Ask a database over SQLAlchemy: `data.query`, read in pieces, in a transaction that can only read."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pandas as pd
import pyarrow as pa
import sqlalchemy as sql

from cd4ml.errors import DataError
from cd4ml.source.address import Address
from cd4ml.source.bucket import need_driver
from cd4ml.source.progress_meter import Meter

PIECE = 20_000  # rows
_CONNECT = 15  # seconds
_ALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}  # seconds, seconds, times
_AS_TEXT = (UUID, time, timedelta, dict, list)


def ask(address: Address, query: str, first: date | None, last: date | None) -> pd.DataFrame:
    """Return the rows of a query, sorted by all columns, so that the same rows make the same table.

    `:first` in the query is the first day to use, `:after` the day after the last one; where nothing limits, both are
    as far away as can be.

    Raises:
        DataError: the database cannot be reached, or refuses the query; a column holds more than one type.
    """
    statement = _bound(query, first, last)
    try:
        with _connection(address) as connection:
            result = connection.execution_options(yield_per=PIECE).execute(statement)
            if not result.returns_rows:
                raise DataError("params.yaml: data.query gives no rows; write a SELECT")
            names = _distinct([*result.keys()])
            table = _gathered(names, result.partitions(PIECE), Meter(f"reading from {address.shown}"))
    except sql.exc.SQLAlchemyError as failed:
        raise DataError(_explained(address, failed)) from None
    rows: pd.DataFrame = _sorted(table).to_pandas()
    return rows


def _bound(query: str, first: date | None, last: date | None) -> sql.TextClause:
    days = {"first": first or date.min, "after": last + timedelta(days=1) if last else date.max}
    statement = sql.text(query)
    named = set(statement.compile().params)
    if unknown := sorted(named - set(days)):
        raise DataError(
            f"params.yaml: data.query names :{unknown[0]}; only :first and :after are filled in. "
            rf"Where a colon is meant, write \:{unknown[0]}"
        )
    return statement.bindparams(*(sql.bindparam(name, days[name], sql.Date()) for name in named))


@contextmanager
def _connection(address: Address) -> Iterator[sql.Connection]:
    url = sql.make_url(address.url)
    if url.get_backend_name() == "sqlite":
        engine = sql.create_engine(_read_only_file(address, url), hide_parameters=True)
    else:
        need_driver("psycopg", "postgresql", "data.source is in PostgreSQL")
        url = url.set(drivername="postgresql+psycopg")
        arguments = {"connect_timeout": _CONNECT, **_ALIVE}
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
            f"params.yaml: data.source {address.shown}: there is no such file; sqlite:/// and a path from the "
            "project's folder, or sqlite://// and a path from the root, name one"
        )
    uri = Path(url.database).absolute().as_uri()  # a file that is not there would be made, were it not for mode=ro
    return sql.URL.create("sqlite", database=uri, query={"mode": "ro", "uri": "true"})


def _distinct(names: list[str]) -> list[str]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"params.yaml: data.query gives {twice[0]} more than once; name the columns apart with AS")
    return names


def _gathered(names: list[str], pieces: Any, meter: Meter) -> pa.Table:
    tables, rows = [], 0
    for piece in pieces:
        columns = zip(*piece, strict=True)
        tables.append(pa.table({name: _column(name, values) for name, values in zip(names, columns, strict=True)}))
        rows += len(piece)
        meter.rows(rows)
    if not tables:
        return pa.table({name: pa.nulls(0) for name in names})
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as mixed:
        raise DataError(f"params.yaml: data.query gives a column of more than one type ({mixed}); CAST it") from None


def _column(name: str, values: tuple[Any, ...]) -> pa.Array:
    try:
        column = pa.array([_plain(value) for value in values])
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        kinds = ", ".join(sorted({type(value).__name__ for value in values if value is not None}))
        raise DataError(f"params.yaml: data.query gives {name} with more than one type ({kinds}); CAST it") from None
    if pa.types.is_timestamp(column.type) and column.type.tz:
        return column.cast(pa.timestamp("us", tz="UTC"))
    return column


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime) or not isinstance(value, _AS_TEXT):
        return value
    return str(value)


def _sorted(table: pa.Table) -> pa.Table:
    return table.sort_by([(field.name, "ascending") for field in table.schema if not pa.types.is_null(field.type)])


def _explained(address: Address, failed: sql.exc.SQLAlchemyError) -> str:
    said = address.scrub(str(getattr(failed, "orig", None) or failed)).strip()
    reason = said.splitlines()[0] if said else type(failed).__name__
    if isinstance(failed, sql.exc.OperationalError) and "connect" in said:
        return f"{address.shown} cannot be reached: {reason}"
    return f"{address.shown} refuses data.query of params.yaml: {reason}"
