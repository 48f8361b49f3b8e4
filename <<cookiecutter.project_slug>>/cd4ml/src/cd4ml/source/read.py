"""Read all rows of `data.source`, wherever it is."""

from datetime import date

from cd4ml.errors import DataError, UserError
from cd4ml.files.atomic import scratch_folder
from cd4ml.settings import paths
from cd4ml.settings.params import DataParams
from cd4ml.source.address import Address
from cd4ml.source.arrow_table import SourceTable, source_table
from cd4ml.source.contract_values import with_nulls
from cd4ml.source.table_file import matching_files, read_files
from cd4ml.terminal.output import report

TABLE_FROM_REFRESH = "CD4ML_TABLE_FROM_REFRESH"
"""The environment variable by which `refresh` passes the rows that it has read to the stage ingest, as a file."""


def read_source(data: DataParams, first: date | None = None, last: date | None = None) -> SourceTable:
    """Return all rows of `data.source`: of files in the order of their names, of a database sorted by all columns.

    A text that is empty, or one of `data.null_values`, is a null.

    A query may use the days `first` and `last`, both included, to select rows. Files return every row.

    Raises:
        DataError: no rows can be read. The message contains no secret.
    """
    address = Address.resolve(data.source)
    try:
        return with_nulls(_read(address, data, first, last), data.null_values)
    except UserError:
        raise
    except Exception as failure:
        if address.kind == "files":
            raise
        message = address.redact(str(failure)).strip() or "no reason given"
        raise DataError(  # without the original exception, whose traceback might show a secret
            f"{address.printable} cannot be read: {type(failure).__name__}: {message.splitlines()[0]}"
        ) from None


def _read(address: Address, data: DataParams, first: date | None, last: date | None) -> SourceTable:
    query = data.query
    if address.kind == "files":
        files = matching_files(address)
        report(f"reading {len(files)} file{'s' if len(files) > 1 else ''} of {address.printable}")
        return read_files([(path, address.redact(str(path))) for path in files], data.csv)
    report(f"reading {address.printable}")
    if address.kind == "database":
        from cd4ml.source.database import read_query

        if query is None:
            raise DataError("params.yaml: data.source is a database; write the SELECT for its rows as data.query")
        return source_table(read_query(address, query, first, last))
    if query is not None:
        raise DataError("params.yaml: data.source is not a database, and only a database takes data.query; remove it")
    with scratch_folder(paths.DOWNLOAD) as folder:
        if address.kind == "web":
            from cd4ml.source.web import download_file

            return read_files([(download_file(address, folder), address.printable)], data.csv)
        from cd4ml.source.bucket import download_objects

        return read_files(download_objects(address, folder), data.csv)
