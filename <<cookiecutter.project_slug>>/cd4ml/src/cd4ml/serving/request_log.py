"""One line in the service's log for each request, with the model that answered.

It has no query, no body and no header but the ids, since these may be secret. Health checks that succeed have no line.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
from starlette.types import Scope

from cd4ml.serving.log_output import LogOutput

_QUIET = ("/health/live", "/health/ready", "/metrics")
_LONGEST_PATH = 300  # characters
_CLOSED = 499  # the status of a request whose client was gone before the response began, as nginx logs it


class RequestLine(msgspec.Struct, gc=False, omit_defaults=True):
    """What the log says of one request."""

    time: datetime
    severity: str
    message: str
    method: str
    path: str
    """Without the query."""
    status: int
    duration_ms: float
    request_id: str
    trace_id: str
    span_id: str
    client: str
    """`user`, or the kind of test in X-Request-Kind: `smoke` or `canary`."""
    version: str
    digest: str
    commit: str = ""
    rows: int | None = None


class RequestLog:
    """Writes one line for each request.

    Args:
        output: where to, and in which format.
        lineage: version, digest and commit of the model.
        root_path: the proxy's prefix.
    """

    def __init__(self, output: LogOutput, lineage: Mapping[str, str], root_path: str = "") -> None:
        self._quiet = frozenset(root_path + path for path in _QUIET)
        self._writer, self._lineage = output.writer, dict(lineage)
        self._encode = msgspec.json.Encoder().encode if output.format == "json" else _as_text

    def record(self, scope: Scope, status: int, seconds: float) -> None:
        """Write the line of a request: its status, or 0 if its client was gone; and how long it took."""
        path = scope["path"]
        if status and status < 400 and path in self._quiet:
            return
        answer, trace = scope.get("answer"), scope["trace"]
        line = RequestLine(
            time=datetime.now(UTC),
            severity="ERROR" if status >= 500 else "INFO",
            message="request",
            method=scope["method"],
            path=path[:_LONGEST_PATH],
            status=status or _CLOSED,
            duration_ms=round(seconds * 1000, 3),
            request_id=scope["request_id"],
            trace_id=trace.trace_id,
            span_id=trace.span_id,
            client=scope["client_kind"],
            rows=None if answer is None else len(answer.predictions),
            **self._lineage,
        )
        self._writer.write_later(self._encode(line))


def _as_text(line: RequestLine) -> bytes:
    path = line.path.encode("unicode_escape").decode()
    rows = "" if line.rows is None else f" {line.rows:,} row{'s' if line.rows != 1 else ''}"
    text = f"{line.time:%H:%M:%S} {line.method} {path} {line.status} {line.duration_ms:.1f} ms{rows} {line.request_id}"
    return text.encode()
