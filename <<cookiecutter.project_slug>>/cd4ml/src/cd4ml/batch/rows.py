"""The rows to score, from files, a bucket, the web or a database, as Arrow tables of a bounded number of rows."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from cd4ml.batch.query_rows import rows_of_query
from cd4ml.errors import DataError
from cd4ml.files.atomic import replacing_folder
from cd4ml.files.checksums import sha256_of
from cd4ml.settings.params import CsvParams
from cd4ml.source.address import Address
from cd4ml.source.arrow_table import normalized_names, unusable_kind
from cd4ml.source.csv_file import open_csv
from cd4ml.source.table_file import PARQUET, TEXT, matching_files
from cd4ml.terminal.output import report

_BATCH = 32_768  # rows that are read from a Parquet file at once
_BUFFER = 1 << 20  # bytes of a column that are read at once, and not the whole column of a group of rows


@dataclass(frozen=True)
class RowFile:
    """A file of rows that is open."""

    path: Path
    name: str
    """By which messages name it."""
    schema: pa.Schema
    """The columns and their types; the names are in Unicode's form NFC."""
    batches: Callable[[list[str]], Iterator[pa.RecordBatch]]
    """Yields the rows of some columns."""
    rows: int | None
    """The number of its rows; None if it is not known."""

    def tables(self, names: list[str], rows: int) -> Iterator[pa.Table]:
        """Yield some columns of the file, this many rows at a time, and at last the rest."""
        names = [name for name in names if name in self.schema.names]
        waiting: list[pa.RecordBatch] = []
        count = 0
        for batch in self.batches(names):
            waiting, count = [*waiting, batch], count + batch.num_rows
            while count >= rows:
                table = pa.Table.from_batches(waiting)
                yield table.slice(0, rows)
                waiting, count = table.slice(rows).to_batches(), count - rows
        if count:
            yield pa.Table.from_batches(waiting)


def local_files(address: Address, query: str | None, work: Path) -> tuple[list[tuple[Path, str]], list[str]]:
    """Return the files with the rows of an address, each with its name in messages, and what identifies their content.

    Files on the disk are those of the address itself, in the order of their names; their sizes and times identify
    them. Of a bucket, the web or a database they are fetched into the folder `work`.

    Raises:
        DataError: there are no rows, or they cannot be fetched.
    """
    if query is not None and address.kind != "database":
        raise DataError("only a database takes a query, and the input is none; leave the query out")
    match address.kind:
        case "files":
            files = [(path, address.redact(str(path))) for path in matching_files(address)]
            return files, [_stamp(path) for path, _ in files]
        case "database":
            if not (query or "").strip():
                raise DataError("the input is a database; name the rows with a query: --query 'SELECT ...'")
            return rows_of_query(address, query or "", work)
    with replacing_folder(work / "downloads") as folder:
        if address.kind == "web":
            from cd4ml.source.web import download_file

            downloaded = [(download_file(address, folder), address.printable)]
        else:
            from cd4ml.source.bucket import download_objects

            downloaded = download_objects(address, folder)
    files = [(work / "downloads" / path.name, name) for path, name in downloaded]
    return files, [sha256_of(path) for path, _ in files]


def _stamp(path: Path) -> str:
    state = path.stat()
    return f"{path.absolute()} {state.st_size} {state.st_mtime_ns}"


def open_files(files: list[tuple[Path, str]], csv: CsvParams) -> list[RowFile]:
    """Return files of rows, with their columns.

    Raises:
        DataError: one is neither Parquet nor CSV, is empty, or cannot be read.
    """
    opened, formats = [], {}
    for path, name in files:
        lowered = path.name.lower()
        with _one_line_errors(path, name):
            if lowered.endswith(TEXT):
                text = open_csv(path, name, csv)
                formats[str(text.format)] = name
                names = normalized_names(text.names)
                original = dict(zip(names, text.names, strict=True))
                schema = pa.schema([(column, pa.string()) for column in names])
                opened.append(RowFile(path, name, schema, _renamed(text.batches, original, path, name), None))
            elif lowered.endswith(PARQUET):
                opened.append(_open_parquet(path, name))
            else:
                raise DataError(f"{name} is neither Parquet nor CSV; convert it to one of them")
    for written_as, name in formats.items():
        report(f"{name if len(formats) > 1 else 'CSV'}: {written_as}")
    return opened


def _open_parquet(path: Path, name: str) -> RowFile:
    file = pq.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False)  # which would keep all that it has read
    schema = file.schema_arrow
    names = normalized_names(schema.names)
    original = dict(zip(names, schema.names, strict=True))

    def batches(wanted: list[str]) -> Iterator[pa.RecordBatch]:
        for batch in file.iter_batches(_BATCH, columns=wanted, use_threads=False):
            arrays = [array.cast(_without_view(array.type)) for array in batch.columns]
            yield pa.RecordBatch.from_arrays(arrays, batch.schema.names)

    fields = [pa.field(column, _without_view(schema.field(number).type)) for number, column in enumerate(names)]
    return RowFile(path, name, pa.schema(fields), _renamed(batches, original, path, name), file.metadata.num_rows)


def _without_view(kind: pa.DataType) -> pa.DataType:
    """Return the type that holds the same values as one of a newer kind, which most of pyarrow does not take."""
    if pa.types.is_string_view(kind):
        return pa.large_string()
    return pa.large_binary() if pa.types.is_binary_view(kind) else kind


def _renamed(
    batches: Callable[[list[str]], Iterator[pa.RecordBatch]], original: dict[str, str], path: Path, name: str
) -> Callable[[list[str]], Iterator[pa.RecordBatch]]:
    """Return a function that yields batches by the names in form NFC, in the order in which they are asked for."""

    def renamed(names: list[str]) -> Iterator[pa.RecordBatch]:
        with _one_line_errors(path, name):
            for batch in batches([original[column] for column in names]):
                yield pa.RecordBatch.from_arrays([batch.column(original[column]) for column in names], names)

    return renamed


@contextmanager
def _one_line_errors(path: Path, name: str) -> Iterator[None]:
    try:
        yield
    except DataError as error:
        raise DataError(str(error) if str(error).startswith(name) else f"{name}: {error}") from None
    except (pa.ArrowException, OSError, ValueError) as failure:
        reason = str(failure).splitlines()[0].replace(str(path), name)
        raise DataError(f"{name} cannot be read: {reason}; replace the file") from None


def unusable_columns(files: list[RowFile], names: list[str]) -> dict[str, str]:
    """Return those of the columns that no contract can describe, and what they hold."""
    fields = [field for file in files for field in file.schema if field.name in names]
    return {field.name: kind for field in fields if (kind := unusable_kind(field.type))}


def common_types(files: list[RowFile], names: list[str]) -> pa.Schema:
    """Return the types that hold the values of all files, for some columns as far as a file has them.

    A column that is text in one file and has a type in another is text.
    """
    fields = []
    for name in names:
        kinds = [pa.field(name, _plain(file.schema.field(name).type)) for file in files if name in file.schema.names]
        if not kinds:
            continue
        try:
            fields += pa.unify_schemas([pa.schema([kind]) for kind in kinds], promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            fields.append(pa.field(name, pa.string()))
    return pa.schema(fields)


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind
