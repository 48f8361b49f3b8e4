"""The one reader of the source, wherever it is."""

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

TABLE_FROM_REFRESH = "CD4ML_TABLE_FROM_REFRESH"  # names a file of rows that `refresh` has just read, so that ingest reads them once


def read_source(data: DataParams, first: date | None = None, last: date | None = None) -> pd.DataFrame:
    """Return all rows of `data.source`: of files in the order of their names, of a database sorted by all columns.

    A query may use the days `first` and `last`, inclusive, to leave rows out. Files give every row.

    Raises:
        DataError: there is nothing, it is refused, or it cannot be read. No secret is in the message.
    """
    address = Address.of(data.source)
    try:
        return _read(address, data.query, first, last)
    except UserError:
        raise
    except Exception as failed:
        if address.kind == "files":
            raise
        said = address.scrub(str(failed)).strip() or "no reason given"  # a traceback might show what is secret
        raise DataError(f"{address.shown} cannot be read: {type(failed).__name__}: {said.splitlines()[0]}") from None


def _read(address: Address, query: str | None, first: date | None, last: date | None) -> pd.DataFrame:
    if address.kind == "files":
        files = _matching(address.url)
        report(f"reading {len(files)} file{'s' if len(files) > 1 else ''} of {address.shown}")
        return _joined([(path, str(path)) for path in files])
    report(f"reading {address.shown}")
    if address.kind == "database":
        from cd4ml.source.database import ask

        if query is None:
            raise DataError("params.yaml: data.source is a database: write the SELECT for its rows as data.query")
        return ask(address, query, first, last)
    if query is not None:
        raise DataError("params.yaml: data.query is for a database, and data.source is none; remove it")
    with scratch_folder(paths.DOWNLOAD) as folder:
        if address.kind == "web":
            from cd4ml.source.web import fetch

            return _joined([(fetch(address, folder), address.shown)])
        from cd4ml.source import bucket

        return _joined(bucket.fetch(address, folder))


def _matching(source: str) -> list[Path]:
    literal = Path(source)
    if literal.exists():
        return [literal]
    files = [Path(name) for name in sorted(glob.glob(source, recursive=True))]  # noqa: PTH207 # absolute ones, too
    if not files:
        raise DataError(f'params.yaml: data.source "{source}" matches no file; put the data there, or mend the path')
    return files


def _joined(files: list[tuple[Path, str]]) -> pd.DataFrame:
    table = pd.concat([read_table(path, shown) for path, shown in files], ignore_index=True)
    for name in table:
        mixed = pd.api.types.is_object_dtype(table[name]) and pd.api.types.infer_dtype(table[name])
        if mixed and mixed.startswith("mixed"):  # numbers in one file, texts in another
            table[name] = table[name].map(str, na_action="ignore")
    return table
