"""Find the files of a source, and read each by its format: Parquet, or CSV with any common separator."""

import glob
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from cd4ml.contract.contract import normalize_name
from cd4ml.errors import DataError
from cd4ml.settings.params import CsvParams
from cd4ml.source.address import Address
from cd4ml.source.arrow_table import SourceTable, joined, source_table
from cd4ml.source.csv_file import read_csv
from cd4ml.terminal.output import report

PARQUET = (".parquet", ".pq")
TEXT = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")


def is_table(path: Path | str) -> bool:
    """Return whether a file's name is that of a table."""
    return str(path).lower().endswith((*PARQUET, *TEXT))


def matching_files(address: Address) -> list[Path]:
    """Return the files of an address that is a path, a folder or a glob, in the order of their names.

    Other files beside them are named.

    Raises:
        DataError: there is none.
    """
    source = address.url
    literal = _on_disk(Path(source))
    if literal is not None and literal.is_dir() and not is_table(literal):
        paths = sorted(path for path in literal.iterdir() if not path.name.startswith("."))
    elif literal is not None:
        return [literal]
    else:
        paths = [Path(name) for name in sorted(glob.glob(source, recursive=True))]  # noqa: PTH207 - absolute paths, too
    files = [path for path in paths if is_table(path)]
    others = [address.redact(str(path)) for path in paths if not is_table(path) and path.is_file()]
    if not paths:
        raise DataError(
            f'params.yaml: data.source "{address.printable}" matches no file; put the data there, or fix the path'
        )
    if not files:
        raise DataError(
            f"{', '.join(others) or address.printable} is neither Parquet nor CSV; convert it to one of them"
        )
    if others:
        report(f"no table, left out: {', '.join(others)}")
    return files


def _on_disk(path: Path) -> Path | None:
    """Return a path as the disk has it: accents may be written in another form of Unicode there; None if none is."""
    if path.exists():
        return path
    name = normalize_name(path.name)
    others = path.parent.iterdir() if path.parent.is_dir() else []
    return next((other for other in others if normalize_name(other.name) == name), None)


def read_files(files: list[tuple[Path, str]], params: CsvParams) -> SourceTable:
    """Return the rows of files, each given with its name in messages, as one table.

    Raises:
        DataError: a file cannot be read.
    """
    tables, formats = [], {}
    for path, name in files:
        try:
            if path.name.lower().endswith(TEXT):
                rows, written = read_csv(path, name, params)
                tables.append(source_table(rows, typed=False))
                formats[str(written)] = name
            else:
                tables.append(source_table(_read_parquet(path, name)))
        except DataError as error:
            raise DataError(str(error) if str(error).startswith(name) else f"{name}: {error}") from None
        except (pa.ArrowException, OSError, ValueError) as failure:
            reason = str(failure).splitlines()[0].replace(str(path), name)
            raise DataError(f"{name} cannot be read: {reason}; replace the file") from None
    for written_as, name in formats.items():
        report(f"{name if len(formats) > 1 else 'CSV'}: {written_as}")
    return joined(tables)


def _read_parquet(path: Path, name: str) -> pa.Table:
    if not path.name.lower().endswith(PARQUET):
        raise DataError(f"{name} is neither Parquet nor CSV; convert it to one of them")
    table = pq.read_table(path)
    unnamed = [column for column in table.column_names if column.startswith("__index_level_")]
    return table.drop_columns(unnamed)  # pandas' row numbers
