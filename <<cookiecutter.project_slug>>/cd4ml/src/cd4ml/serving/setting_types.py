"""The types of the service's settings: each reads a variable's text.

The message of a `ValueError` continues the variable's name, as in `PORT is "http"; write a whole number ...`, and
has no secret.
"""

import re
from collections.abc import Iterable
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator

from cd4ml.prediction_log import address
from cd4ml.serving.key_digests import read_digests

_PREFIX = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)+")
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|[0-9a-f:]+")
_ORIGIN = "one such as https://shop.example.org, or * alone"


def whole_number(least: int, most: int) -> BeforeValidator:
    """Return the validator of a whole number within limits, written in digits only."""

    def read(value: Any) -> int:
        text = str(value)
        if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):
            raise ValueError(f'is "{text}"; write a whole number from {least:,} to {most:,}')
        return int(text)

    return BeforeValidator(read)


def _parts(value: Any) -> tuple[str, ...]:
    """Return the parts of a text that are separated by commas, without blanks; of a list, its items."""
    parts: Iterable[Any] = value.split(",") if isinstance(value, str) else value
    return tuple(part.strip() for part in parts if part.strip())


def _keys(value: Any) -> tuple[bytes, ...]:
    entries = _parts(value)
    if value and not entries:
        raise ValueError("is set and has no key; unset it to accept requests without a key")
    return read_digests(entries)


def _path_prefix(value: Any) -> str:
    text = str(value)
    if text and not _PREFIX.fullmatch(text):
        raise ValueError(f'is "{text}"; write the prefix of a path, such as /models/houses, without / at its end')
    return text


def _origins(value: Any) -> tuple[str, ...]:
    """Return origins as browsers write them."""
    origins = _parts(value)
    if value and not origins:
        raise ValueError("is set and has no origin; unset it to accept no requests of other sites' pages")
    if "*" in origins and len(origins) > 1:
        raise ValueError("has * beside other origins; write * alone, or the others")
    for origin in origins:
        if origin != "*" and origin != (written := _as_browsers_write(origin)):
            raise ValueError(f'has "{origin}", which no browser sends as an origin; write {written}')
    return origins


def _as_browsers_write(origin: str) -> str:
    """Return an origin as browsers write it, from another spelling of it; an example if it is none."""
    try:
        parts = urlsplit(origin)
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except ValueError:
        return _ORIGIN
    if parts.scheme not in _PORTS or not _HOST.fullmatch(host) or "@" in parts.netloc:
        return _ORIGIN
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}" + (
        "" if port in (None, _PORTS[parts.scheme]) else f":{port}"
    )


KeyDigests = Annotated[tuple[bytes, ...], BeforeValidator(_keys)]
"""The digests of API keys, from keys and hashes that are separated by commas."""
Origins = Annotated[tuple[str, ...], BeforeValidator(_origins)]
"""Origins of web pages, separated by commas; or `*` alone."""
LogAddress = Annotated[str, BeforeValidator(lambda value: address.checked(str(value)))]
"""Where the prediction log is written."""
PathPrefix = Annotated[str, BeforeValidator(_path_prefix)]
"""The prefix of a path; empty if there is none."""
