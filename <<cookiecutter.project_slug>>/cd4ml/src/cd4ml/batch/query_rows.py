"""The rows of a query, as Parquet files: a database need not return them in the same order when it is asked again."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from cd4ml.files.atomic import replacing_folder
from cd4ml.source.address import Address
from cd4ml.terminal.output import report

_FILE_ROWS = 200_000


def rows_of_query(address: Address, query: str, work: Path) -> tuple[list[tuple[Path, str]], list[str]]:
    """Return files with the rows of a query, each with its name in messages, and what identifies the rows.

    If a run that was killed has read them all, its files are used again.

    Raises:
        DataError: the database does not answer, or rejects the query.
    """
    digest = hashlib.sha256(f"{address.printable}\n{query}".encode()).hexdigest()[:16]
    folder = work / f"query-{digest}"
    if folder.exists():
        when = datetime.fromtimestamp(folder.stat().st_mtime).astimezone()
        report(f"going on with the rows read at {when:%Y-%m-%d %H:%M}; --restart asks the database again")
    else:
        _save(address, query, folder)
    files = [(path, address.printable) for path in sorted(folder.iterdir())]
    return files, [f"{digest} {folder.stat().st_mtime_ns}"]


def _save(address: Address, query: str, folder: Path) -> None:
    from cd4ml.source.database import joined_pieces, query_pieces

    report(f"reading {address.printable}")
    with replacing_folder(folder) as temporary:
        for number, tables in enumerate(_groups(query_pieces(address, query))):
            pq.write_table(joined_pieces(tables), temporary / f"{number:06}.parquet", compression="zstd")


def _groups(pieces: Iterator[pa.Table]) -> Iterator[list[pa.Table]]:
    group: list[pa.Table] = []
    for piece in pieces:
        group.append(piece)
        if sum(table.num_rows for table in group) >= _FILE_ROWS:
            yield group
            group = []
    if group:
        yield group
