"""Read a CSV file as text: nothing is guessed but encoding, separator and decimal mark, and these are reported."""

import codecs
import csv
import gzip
import io
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import pyarrow as pa
import pyarrow.csv

from cd4ml.errors import DataError
from cd4ml.settings.params import CsvParams

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_ENCODINGS = {"utf-8": "UTF-8", "utf-16": "UTF-16", "cp1252": "Windows-1252", "latin-1": "Latin-1"}
_SAMPLE = 256 * 1024  # characters from which the separator is detected
_SAMPLE_LINES = 200
_PIECE = 1 << 20  # bytes
_BLOCK = 4 << 20  # bytes that are divided into rows at once; a longer row is an error
_EXCEL_SEPARATOR = re.compile(r"sep=(.)\r?\n")

csv.field_size_limit(2**31 - 1)  # a wide header, divided by a separator that is not the file's, is one long field


@dataclass(frozen=True)
class CsvFormat:
    """How a file is written."""

    encoding: str
    separator: str
    skipped_lines: int = 0
    """Lines before the header: Excel's `sep=;`."""

    def __str__(self) -> str:
        name = _SEPARATORS.get(self.separator, repr(self.separator))
        return f"{_ENCODINGS.get(self.encoding, self.encoding)}, columns separated by {name}"


def read_csv(path: Path, name: str, params: CsvParams) -> tuple[pa.Table, CsvFormat]:
    """Return the rows of a file as strings, with a null for an empty field, and how the file is written.

    A column without a name is left out: it is the row number that some programs add.

    Raises:
        DataError: the file is empty, cannot be decoded, names a column twice, or has a row with more or fewer values
            than columns.
    """
    opened = open_csv(path, name, params)
    with _one_line_errors(opened), _open(path) as stream:
        table = pyarrow.csv.read_csv(stream, opened.read_options(), opened.parse_options(), opened.convert_options())
    return table.select(opened.names), opened.format


@dataclass
class OpenedCsv:
    """A file whose format and header are known."""

    path: Path
    name: str
    """By which messages name it."""
    format: CsvFormat
    header: list[str]
    """The names of all columns, without blanks around them; empty for a column without a name."""
    header_lines: int = 1
    """A quoted name may have line breaks: Excel's Alt+Enter."""
    _rejected: bool = False

    @property
    def names(self) -> list[str]:
        """The names of the columns that have one."""
        return [name for name in self.header if name]

    def batches(self, names: list[str]) -> Iterator[pa.RecordBatch]:
        """Yield the rows of some columns, a few thousand at a time, as `read_csv` reads them.

        Raises:
            DataError: a row has more or fewer values than columns, or cannot be decoded.
        """
        read, convert = self.read_options(), self.convert_options()
        read.block_size, convert.include_columns = _BLOCK, names
        with _one_line_errors(self), _open(self.path) as stream:
            try:
                reader = pyarrow.csv.open_csv(stream, read, self.parse_options(), convert)
            except pa.ArrowInvalid as invalid:
                if "Empty CSV file" in str(invalid):  # there is a header, and no row
                    return
                raise
            yield from reader

    def read_options(self) -> pyarrow.csv.ReadOptions:
        """Return where Arrow begins, and by which names it reads the columns."""
        skipped = self.format.skipped_lines + self.header_lines
        return pyarrow.csv.ReadOptions(
            encoding=self.format.encoding, skip_rows=skipped, column_names=self._all_names(), use_threads=False
        )

    def _all_names(self) -> list[str]:
        return [column or f"\0{number}" for number, column in enumerate(self.header)]

    def parse_options(self) -> pyarrow.csv.ParseOptions:
        """Return how Arrow divides the file into values."""
        return pyarrow.csv.ParseOptions(
            delimiter=self.format.separator, newlines_in_values=True, invalid_row_handler=self._reject
        )

    def convert_options(self) -> pyarrow.csv.ConvertOptions:
        """Return how Arrow reads values: as strings, and an empty one as a null."""
        return pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(self._all_names(), pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        )

    def _reject(self, row: pyarrow.csv.InvalidRow) -> str:
        self._rejected = True
        return "error"

    def explain(self, failure: pa.ArrowInvalid) -> str:
        """Return why the rows cannot be read."""
        if not self._rejected:
            return f"{self.name} cannot be read: {str(failure).splitlines()[0]}"
        return _explain_row(self.path, self.name, self.format, len(self.header))


def open_csv(path: Path, name: str, params: CsvParams) -> OpenedCsv:
    """Return a file with its format and header, without reading its rows.

    Raises:
        DataError: the file is empty, cannot be decoded, or names a column twice.
    """
    written = _detect(path, name, params)
    with _open(path) as first:
        header, lines = _header(first, written)
    repeated = [column for column, count in Counter(header).items() if count > 1 and column]
    if repeated:
        raise DataError(f'{name}: two columns are named "{repeated[0]}"; rename one of them')
    return OpenedCsv(path, name, written, header, lines)


@contextmanager
def _one_line_errors(opened: OpenedCsv) -> Iterator[None]:
    try:
        yield
    except pa.ArrowInvalid as invalid:
        raise DataError(opened.explain(invalid)) from None


def _open(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "rb")) if path.suffix.lower() == ".gz" else path.open("rb")


def _header(stream: IO[bytes], written: CsvFormat) -> tuple[list[str], int]:
    """Return the names of the columns, without blanks around them, and the number of lines that they take."""
    text = io.TextIOWrapper(stream, encoding=_without_mark(written.encoding), newline="")
    for _ in range(written.skipped_lines):
        text.readline()
    reader = csv.reader(text, delimiter=written.separator)
    return [column.strip() for column in next(reader, [])], max(reader.line_num, 1)


def _without_mark(encoding: str) -> str:
    """Return the codec that leaves out the byte-order mark of UTF-8."""
    return "utf-8-sig" if encoding == "utf-8" else encoding


def _detect(path: Path, name: str, params: CsvParams) -> CsvFormat:
    try:
        encoding = _encoding(path) if params.encoding == "auto" else params.encoding
        with _open(path) as stream:
            sample = io.TextIOWrapper(stream, encoding=_without_mark(encoding), newline="").read(_SAMPLE)
    except (UnicodeError, LookupError) as failure:
        raise DataError(f"{name} cannot be decoded: {failure}; fix data.csv.encoding in params.yaml") from None
    if not sample.strip():
        raise DataError(f"{name} is empty; remove it, or replace it")
    excel = _EXCEL_SEPARATOR.match(sample)
    if excel:
        return CsvFormat(encoding, excel[1], skipped_lines=1)
    separator = _separator(sample) if params.separator == "auto" else params.separator
    return CsvFormat(encoding, separator)


def _encoding(path: Path) -> str:
    """Return UTF-16 if a byte-order mark says so, UTF-8 if the whole file is valid UTF-8, else a Western encoding."""
    with _open(path) as stream:
        start = stream.read(4)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        decoder, western = codecs.getincrementaldecoder("utf-8")(), "latin-1"
        valid, piece = True, start
        while piece:
            if valid:
                try:
                    decoder.decode(piece)
                except UnicodeDecodeError:
                    valid = False
            if re.search(rb"[\x80-\x9f]", piece):  # control characters in Latin-1, quotes and dashes in Windows-1252
                western = "cp1252"
            piece = stream.read(_PIECE)
    return "utf-8" if valid else western


def _separator(sample: str) -> str:
    """Return the separator that gives the first lines equally many values, and the most columns."""
    lines = sample.splitlines()[:_SAMPLE_LINES]
    if len(sample) == _SAMPLE:
        lines = lines[:-1] or lines  # the last one may be cut

    def quality(separator: str) -> tuple[bool, int]:
        widths = {len(row) for row in csv.reader(lines, delimiter=separator) if row}
        columns = len(next(csv.reader(lines, delimiter=separator)))
        return columns > 1 and widths == {columns}, columns

    return max(_SEPARATORS, key=quality)


def _explain_row(path: Path, name: str, written: CsvFormat, columns: int) -> str:
    """Return the message for the first row with more or fewer values than columns."""
    with _open(path) as stream:
        rows = csv.reader(
            io.TextIOWrapper(stream, encoding=_without_mark(written.encoding), newline=""),
            delimiter=written.separator,
        )
        line = 1
        for row in rows:
            if rows.line_num > written.skipped_lines + 1 and row and len(row) != columns:
                more = ", the last one is empty: is there a separator at the end of each row?" if row[-1] == "" else ""
                values = f"{len(row)} value{'s' if len(row) != 1 else ''}"
                return f"{name}:{line}: {values} in a row, but the header names {columns} columns{more}"
            line = rows.line_num + 1
    return f"{name}: a row has more or fewer values than the header names columns"
