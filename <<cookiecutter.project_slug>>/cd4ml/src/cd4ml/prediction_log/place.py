"""Where the prediction log is written: standard output, a folder, or a bucket. Each piece is written whole."""

import errno
import os
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from cd4ml.errors import UserError
from cd4ml.files.atomic import write_durably
from cd4ml.prediction_log.address import connect
from cd4ml.prediction_log.record import Entry, Layout, as_lines

_AT_ONCE = 4096  # bytes: up to here, the lines of two processes do not mix in a pipe
_STDOUT = 1
_ATTEMPT = 5.0  # seconds; gcsfs alone would try for half a minute before it reports anything
_LEFTOVER = 3600.0  # seconds after which an unfinished file is one that a killed process left

Piece = tuple[str, bytes]
"""A path in the log and its content; on standard output there is no path."""


class Place(Protocol):
    """A place that can be written to; used by one thread."""

    name: str

    def prepare(self) -> None:
        """Import and connect.

        Raises:
            Exception: whatever says that it cannot be reached.
        """

    def encode(self, entries: Sequence[Entry]) -> list[Piece]:
        """Return the records of entries as they are written."""

    def write(self, piece: Piece) -> None:
        """Write a piece, whole or not at all; a piece that was written before is left as it is.

        Raises:
            Exception: whatever says that it was not written.
        """


class Stdout:
    """Standard output, as JSON lines."""

    name = "stdout"

    def __init__(self, layout: Layout, descriptor: int = _STDOUT) -> None:
        self._layout, self._descriptor, self._rest = layout, descriptor, b""

    def prepare(self) -> None:
        """Nothing needs to be there."""

    def encode(self, entries: Sequence[Entry]) -> list[Piece]:
        """Return the lines in pieces that are short enough not to mix with those of another process."""
        return [("", piece) for piece in _pieces(as_lines(entries, self._layout))]

    def write(self, piece: Piece) -> None:
        """Write lines; what a failure interrupts is continued by the next call, with the same piece."""
        self._rest = self._rest or piece[1]
        while self._rest:
            self._rest = self._rest[os.write(self._descriptor, self._rest) :]


class Folder:
    """A folder, as Parquet files."""

    def __init__(self, folder: Path, layout: Layout) -> None:
        self.name, self._folder, self._layout = str(folder), folder, layout
        # now, since beside requests it can take seconds: a crash would lose all that was answered meanwhile
        from cd4ml.prediction_log import parquet  # noqa: F401

        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as failure:
            mend = "free some space" if failure.errno in (errno.ENOSPC, errno.EDQUOT) else "fix its rights"
            raise UserError(
                f"PREDICTION_LOG is {folder}, which cannot be written: {failure.strerror}; "
                f"{mend}, or name another folder"
            ) from None

    def prepare(self) -> None:
        """Remove what a killed process has left of today's and yesterday's files."""
        now = datetime.now(UTC)
        for day in (now, now - timedelta(days=1)):
            for leftover in self._folder.glob(f"date={day:%Y-%m-%d}/.*.new-*"):
                with suppress(OSError):
                    if time.time() - leftover.stat().st_mtime > _LEFTOVER:
                        leftover.unlink()

    def encode(self, entries: Sequence[Entry]) -> list[Piece]:
        """Return the records as Parquet files."""
        from cd4ml.prediction_log.parquet import as_files

        return as_files(entries, self._layout)

    def write(self, piece: Piece) -> None:
        """Write a file under a temporary name, then rename it."""
        write_durably(self._folder / piece[0], piece[1])


class Bucket:
    """A bucket, as Parquet files. The clouds' own libraries read the credentials from the environment."""

    def __init__(self, url: str, layout: Layout) -> None:
        self.name, self._layout = url.rstrip("/"), layout
        # An object that is there was written by an attempt whose answer was lost. The rights to add are enough for that
        # on Google Cloud and Azure; S3 lets the same object be put again, and not all its copies know another way.
        self._mode = {} if url.startswith("s3://") else {"mode": "create"}
        self._filesystem: Any = None

    def prepare(self) -> None:
        """Import the cloud's library, and ask the bucket for anything; that we may only write there is no failure."""
        from cd4ml.prediction_log import parquet  # noqa: F401

        try:
            self._call("info", "")
        except Exception as failure:
            if not (isinstance(failure, FileNotFoundError) or _is_denied(failure)):
                raise

    def encode(self, entries: Sequence[Entry]) -> list[Piece]:
        """Return the records as Parquet files."""
        from cd4ml.prediction_log.parquet import as_files

        return as_files(entries, self._layout)

    def write(self, piece: Piece) -> None:
        """Put an object, in one request."""
        try:
            with suppress(FileExistsError):
                self._call("pipe_file", f"/{piece[0]}", piece[1], **self._mode)
        except FileNotFoundError:  # Google's says only the URL of an upload
            raise FileNotFoundError("the bucket does not exist") from None

    def _call(self, name: str, path: str, *arguments: Any, **options: Any) -> None:
        """Call a function of fsspec for a path in the log, but for no longer than an attempt may take."""
        if self._filesystem is None:
            self._filesystem, self._root = connect(self.name)
        try:
            getattr(self._filesystem, name)(f"{self._root}{path}", *arguments, timeout=_ATTEMPT, **options)
        except TimeoutError:
            raise TimeoutError(f"no answer within {_ATTEMPT:.0f} seconds; check its name and the credentials") from None


def _is_denied(failure: Exception) -> bool:
    """Return whether a cloud has answered that something is not allowed; each library says so in its own way."""
    denied = getattr(failure, "status_code", None) == 403 or str(failure).startswith("Forbidden")
    return denied or isinstance(failure, PermissionError)


def _pieces(lines: Iterable[bytes]) -> Iterable[bytes]:
    piece = b""
    for line in lines:
        if piece and len(piece) + len(line) > _AT_ONCE:
            yield piece
            piece = b""
        piece += line
    if piece:
        yield piece
