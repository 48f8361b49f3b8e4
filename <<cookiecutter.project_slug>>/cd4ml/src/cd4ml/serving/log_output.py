"""Where the service's log goes, and its format: JSON for programs, or text for people."""

import logging
import os
import stat
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from cd4ml.serving.line_writer import LineWriter

Format = Literal["json", "text"]
_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


@dataclass(frozen=True)
class LogOutput:
    """What writes the lines of the log, and their format."""

    writer: LineWriter
    format: Format


def open_log_output(form: Format | None) -> LogOutput:
    """Send the lines of `logging` to standard error; return the output, for those of requests.

    Args:
        form: None is text on a terminal, and JSON elsewhere.
    """
    descriptor = _descriptor()
    chosen: Format = form or ("text" if os.isatty(descriptor) else "json")
    formatter = _JsonFormatter() if chosen == "json" else logging.Formatter(_TEXT)

    def describe_loss(lines: int) -> bytes:
        message = f"{lines} lines of the log could not be written"
        return formatter.format(
            logging.makeLogRecord({"levelname": "WARNING", "name": __name__, "msg": message})
        ).encode()

    writer = LineWriter(descriptor, describe_loss)
    handler = _Handler(writer)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler])
    return LogOutput(writer, chosen)


def _descriptor() -> int:
    """Return where standard error goes, without waiting if that can be had.

    Two processes may write to one pipe: it can be full although it was not a moment before.
    """
    if sys.__stderr__ is None:  # it is closed
        return os.open(os.devnull, os.O_WRONLY)
    descriptor = sys.__stderr__.fileno()
    try:
        if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            return os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK)
    except OSError:  # no Linux, or not ours to open again
        pass
    return descriptor


class _Handler(logging.Handler):
    """Writes the records of `logging`."""

    def __init__(self, writer: LineWriter) -> None:
        super().__init__()
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._writer.write([self.format(record).encode("utf-8", "replace")])
        except Exception:  # a record that cannot be formatted: as in `logging`, its caller goes on
            self.handleError(record)


class _JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON, with its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "severity": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(entry).decode()
