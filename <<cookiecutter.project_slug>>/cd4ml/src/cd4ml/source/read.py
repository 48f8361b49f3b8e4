"""Read all rows of `data.source`, wherever it is."""

import glob
from datetime import date
from pathlib import Path

import pandas as pd

from cd4ml.contract.table import read_table
from cd4ml.errors import DataError, UserError
from cd4ml.files.atomic import scratch_folder
from cd4ml.settings import paths
from cd4ml.settings.params import DataParams
from cd4ml.source.address import Address
from cd4ml.terminal.output import report

TABLE_FROM_REFRESH = "CD4ML_TABLE_FROM_REFRESH"
"""The environment variable by which `refresh` passes the rows that it has read to the stage ingest, as a file."""


def read_source(data: DataParams, first: date | None = None, last: date | None = None) -> pd.DataFrame:
    """Return all rows of `data.source`: of files in the order of their names, of a database sorted by all columns.

    A query may use the days `first` and `last`, both included, to select rows. Files return every row.

    Raises:
        DataError: no rows can be read. The message contains no secret.
    """
    address = Address.resolve(data.source)
    try:
        return _read(address, data.query, first, last)
    except UserError:
        raise
    except Exception as failure:
        if address.kind == "files":
            raise
        message = address.redact(str(failure)).strip() or "no reason given"
        raise DataError(  # without the original exception, whose traceback might show a secret
            f"{address.printable} cannot be read: {type(failure).__name__}: {message.splitlines()[0]}"
        ) from None


def _read(address: Address, query: str | None, first: date | None, last: date | None) -> pd.DataFrame:
    if address.kind == "files":
        files = _matching_files(address.url)
        report(f"reading {len(files)} file{'s' if len(files) > 1 else ''} of {address.printable}")
        return _read_files([(path, str(path)) for path in files])
    report(f"reading {address.printable}")
    if address.kind == "database":
        from cd4ml.source.database import read_query

        if query is None:
            raise DataError("params.yaml: data.source is a database; write the SELECT for its rows as data.query")
        return read_query(address, query, first, last)
    if query is not None:
        raise DataError("params.yaml: data.source is not a database, and only a database takes data.query; remove it")
    with scratch_folder(paths.DOWNLOAD) as folder:
        if address.kind == "web":
            from cd4ml.source.web import download_file

            return _read_files([(download_file(address, folder), address.printable)])
        from cd4ml.source.bucket import download_objects

        return _read_files(download_objects(address, folder))


def _matching_files(source: str) -> list[Path]:
    literal = Path(source)
    if literal.exists():
        return [literal]
    files = [Path(name) for name in sorted(glob.glob(source, recursive=True))]  # noqa: PTH207 - absolute paths, too
    if not files:
        raise DataError(f'params.yaml: data.source "{source}" matches no file; put the data there, or fix the path')
    return files


def _read_files(files: list[tuple[Path, str]]) -> pd.DataFrame:
    """Return the rows of files, each given with its name in messages, as one table."""
    table = pd.concat([read_table(path, name) for path, name in files], ignore_index=True)
    for column in table:
        mixed = pd.api.types.is_object_dtype(table[column]) and pd.api.types.infer_dtype(table[column])
        if mixed and mixed.startswith("mixed"):  # numbers in one file, strings in another
            table[column] = table[column].map(str, na_action="ignore")
    return table
