"""Write a table of any size piece by piece, as Parquet or CSV, whole or not at all, on a disk or in a bucket."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from cd4ml.errors import DataError
from cd4ml.files.atomic import replacing
from cd4ml.source.address import Address

_PARQUET = (".parquet", ".pq")


class TableWriter:
    """Writes tables below each other, in the types of a schema."""

    def __init__(self, path: Path, schema: pa.Schema, target: str) -> None:
        self._schema, self._target = schema, target
        parquet = target.lower().endswith(_PARQUET)
        self._writer = pq.ParquetWriter(path, schema, compression="zstd") if parquet else _csv_writer(path, schema)

    def write(self, table: pa.Table) -> None:
        """Write a table; a column of the schema that it lacks is null.

        Raises:
            DataError: a value does not fit into the schema's type, or into the format.
        """
        columns = [
            _cast(table.column(field.name), field)
            if field.name in table.column_names
            else pa.nulls(table.num_rows, field.type)
            for field in self._schema
        ]
        try:
            self._writer.write_table(pa.table(columns, schema=self._schema))
        except pa.ArrowInvalid as impossible:
            raise DataError(
                f"{self._target} cannot hold a value: {impossible}; write .parquet, or do not keep the columns of bytes"
            ) from None

    def close(self) -> None:
        """Complete the file."""
        self._writer.close()


def _cast(values: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    try:
        return values.cast(field.type)
    except pa.ArrowInvalid as impossible:  # such as an integer beyond 2**53 where another file has floats
        raise DataError(
            f"the column {field.name} does not fit into {field.type}, as which it is written: {impossible}; "
            "give it the same type in all files, or do not keep it"
        ) from None


def _csv_writer(path: Path, schema: pa.Schema) -> pyarrow.csv.CSVWriter:
    return pyarrow.csv.CSVWriter(path, schema, write_options=pyarrow.csv.WriteOptions(quoting_style="needed"))


def is_url(target: str) -> bool:
    """Return whether a target is an address and not a path."""
    return "://" in target


def check_target(target: str) -> Address | None:
    """Check that a table can be written to a target; return its address if it is in a bucket.

    Raises:
        DataError: it is a folder, or in a file, or no bucket, or has another suffix than those of Parquet and CSV.
    """
    if not target.lower().endswith((*_PARQUET, ".csv")):
        raise DataError(f"{target} is neither .parquet nor .csv; write one of these after the name")
    if not is_url(target):
        if Path(target).is_dir():
            raise DataError(f"{target} is a folder; name a file")
        parent = next(folder for folder in Path(target).absolute().parents if folder.exists())
        if not parent.is_dir():
            raise DataError(f"{target} cannot be written: {parent.name} is a file and no folder; name another place")
        return None
    address = Address.resolve(target)
    if address.kind != "bucket":
        raise DataError(f"{address.printable} cannot be written to; expected a path, or s3://, gs://, az:// or abfs://")
    return address


@contextmanager
def writing_table(target: str, schema: pa.Schema, work: Path) -> Iterator[TableWriter]:
    """Yield what writes a table; when the block succeeds, the table is at its target, in place of an earlier one.

    On a disk, it is written beside the target, and renamed. For a bucket, it is written into the folder `work`, and
    then uploaded in one request, which makes the object appear whole.

    Raises:
        DataError: the bucket denies access, or does not answer.
    """
    address = check_target(target)
    if address is None:
        with replacing(Path(target)) as temporary:
            yield from _written(temporary, target, schema)
        return
    from cd4ml.source.bucket import upload_object

    name = f"{hashlib.sha256(target.encode()).hexdigest()[:8]}-{PurePosixPath(address.url).name}"
    local = work / f"upload-{name}"  # two targets may have the same name in different folders
    yield from _written(local, target, schema)
    upload_object(local, address)


def _written(path: Path, target: str, schema: pa.Schema) -> Iterator[TableWriter]:
    writer = TableWriter(path, schema, target)
    try:
        yield writer
    finally:
        writer.close()
