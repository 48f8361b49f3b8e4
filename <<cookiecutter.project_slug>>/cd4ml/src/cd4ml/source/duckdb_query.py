"""Read the rows of `data.query` with DuckDB: from its own file, or from the Parquet files that the query names.

Files in a bucket are read through fsspec, with the credentials that a bucket as `data.source` has.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import sqlalchemy as sql

from cd4ml.errors import DataError
from cd4ml.files.cloud_options import options_for
from cd4ml.source.address import Address
from cd4ml.source.bucket import PACKAGES
from cd4ml.source.driver import require_package
from cd4ml.source.statement import distinct_names, with_question_marks

_BUCKET = re.compile(rf"\b({'|'.join(PACKAGES)})://")


def read_duckdb(address: Address, statement: sql.TextClause) -> pa.Table:
    """Return the rows of a query, in the order in which they come; times with an offset are in UTC.

    Raises:
        DataError: there is no such file, the query is not one SELECT, or DuckDB rejects it.
    """
    with _result(address, statement) as rows:
        return rows.to_arrow_table()


def duckdb_pieces(address: Address, statement: sql.TextClause, piece: int) -> Iterator[pa.Table]:
    """Yield the same rows, about `piece` at a time; a table without rows if there are none.

    Raises:
        DataError: as `read_duckdb` does.
    """
    with _result(address, statement) as rows:
        reader = rows.to_arrow_reader(piece)
        yield reader.schema.empty_table()
        for batch in reader:
            yield pa.Table.from_batches([batch])


@contextmanager
def _result(address: Address, statement: sql.TextClause) -> Iterator[Any]:
    require_package("duckdb", "duckdb", "data.source is in DuckDB")
    import duckdb

    file = _file(address)
    text, days = with_question_marks(statement)
    try:
        with duckdb.connect(file or ":memory:", read_only=bool(file)) as connection:
            kinds = [each.type for each in connection.extract_statements(text)]
            if kinds != [duckdb.StatementType.SELECT]:
                raise DataError(
                    "params.yaml: data.query is not one SELECT, and only that is run; COPY, SET and others are not"
                )
            connection.execute("SET TimeZone = 'UTC'")
            for scheme in sorted(set(_BUCKET.findall(text))):
                connection.register_filesystem(_filesystem(scheme))
            rows = connection.sql(text, params=days)
            distinct_names([name.lower() for name in rows.columns])
            yield rows
    except (duckdb.Error, OSError) as failure:  # what fsspec raises is an OSError, or DuckDB wraps it
        raise DataError(f"{address.printable} rejects data.query of params.yaml: {_reason(address, failure)}") from None


def _file(address: Address) -> str | None:
    """Return the database's file; None for `duckdb://`, which has none.

    Raises:
        DataError: it does not exist.
    """
    file = sql.make_url(address.url).database
    if file and not Path(file).is_file():
        raise DataError(
            f"params.yaml: data.source {address.printable}: there is no such file; expected duckdb:/// and a path from "
            "the project's folder, duckdb://// and a path from the root, or duckdb:// for files that the query names"
        )
    return file


def _filesystem(scheme: str) -> Any:
    require_package(*PACKAGES[scheme], f"data.query names a file at {scheme}://")
    import fsspec

    return fsspec.filesystem(scheme, **options_for(scheme))


def _reason(address: Address, failure: Exception) -> str:
    """Return DuckDB's message in one line, without the query's text below it."""
    lines = [line.strip() for line in address.redact(str(failure)).split("\nLINE ")[0].splitlines()]
    return " ".join(line for line in lines if line) or type(failure).__name__
