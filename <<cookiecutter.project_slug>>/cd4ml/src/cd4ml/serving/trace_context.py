"""W3C Trace Context: continue the trace of a request, or begin one (https://www.w3.org/TR/trace-context/).

A header that is not valid is ignored, as the standard requires, and never passed on.
"""

import re
from random import getrandbits

import msgspec

_TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)
_LONGEST = 512  # characters of tracestate that everybody passes on
_MOST_MEMBERS = 32
_MEMBER = re.compile(
    rb"(?P<key>[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})"
    rb"=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
)


class Trace(msgspec.Struct, frozen=True, gc=False):
    """The trace of a request, and this service's span in it."""

    trace_id: str
    """32 hexadecimal digits."""
    span_id: str
    """16 hexadecimal digits."""
    sampled: bool = False

    @property
    def traceparent(self) -> bytes:
        """The header with which a response, or a request to another service, continues the trace."""
        return f"00-{self.trace_id}-{self.span_id}-0{self.sampled:d}".encode()


def new_trace() -> Trace:
    """Return a trace that begins here; its ids are random, but no secret."""
    return Trace(f"{getrandbits(128) or 1:032x}", _new_span_id())


def continued(traceparent: bytes) -> Trace | None:
    """Return the trace in a request's `traceparent`, with a new span; None if the header is not valid."""
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None:
        return None
    version, trace_id, parent, flags, rest = match.groups()
    if version == b"ff" or (version == b"00" and rest is not None):
        return None
    if trace_id == b"0" * 32 or parent == b"0" * 16:
        return None
    return Trace(trace_id.decode(), _new_span_id(), bool(int(flags, 16) & 1))


def valid_tracestate(values: list[bytes]) -> bytes | None:
    """Return a request's `tracestate` headers as one; None if they are not valid, empty, or longer than 512 bytes."""
    members = [member for value in values for part in value.split(b",") if (member := part.strip(b" \t"))]
    state = b",".join(members)
    if not members or len(members) > _MOST_MEMBERS or len(state) > _LONGEST:
        return None
    matches = [_MEMBER.fullmatch(member) for member in members]
    keys = {match["key"] for match in matches if match is not None}
    return state if len(keys) == len(members) else None


def _new_span_id() -> str:
    return f"{getrandbits(64) or 1:016x}"
