"""Read the service's settings from environment variables and from arguments, which take precedence."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from cd4ml.errors import UserError
from cd4ml.settings import paths
from cd4ml.terminal.arguments import Arguments

_SHORTEST_KEY = 16
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_PREFIX = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)+")
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|[0-9a-f:]+")
_ORIGIN = "one such as https://shop.example.org, or * alone"


@dataclass(frozen=True)
class ServiceSettings:
    """The address, the bundle, the limits and the API keys of the service, and who may call it from where."""

    host: str = "127.0.0.1"
    port: int = 8000
    bundle: Path = paths.BUNDLE
    max_rows: int = 1000
    """Rows in one request."""
    max_bytes: int = 1024 * 1024
    """Size of one request's body."""
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    """Requests must send one of them, unless their path is public; if there are none, no key is required."""
    root_path: str = ""
    """The prefix under which a proxy publishes the service, such as /models/houses."""
    cors_origins: tuple[str, ...] = ()
    """The web pages that may send requests from a browser, by their origin; `*` is all of them."""

    @classmethod
    def read(cls, argv: list[str], environment: Mapping[str, str]) -> Self:
        """Return the settings from arguments and environment; an empty variable counts as unset.

        Raises:
            UserError: a value is not valid.
        """
        variables = {name: value for name, value in environment.items() if value}
        arguments = Arguments("serve")
        arguments.add_argument("--host", default=variables.get("HOST", cls.host))
        arguments.add_argument("--port", default=variables.get("PORT", cls.port))
        options = arguments.parse_args(argv)
        return cls(
            host=options.host,
            port=_whole_number("the port (PORT)", options.port, 0, 65535),
            bundle=bundle_folder(variables),
            max_rows=_whole_number("MAX_ROWS", variables.get("MAX_ROWS", cls.max_rows), 1, 1_000_000),
            max_bytes=_whole_number("MAX_BYTES", variables.get("MAX_BYTES", cls.max_bytes), 1, 2**31 - 1),
            api_keys=api_keys(variables),
            root_path=_root_path(variables.get("ROOT_PATH", cls.root_path)),
            cors_origins=_origins(variables.get("CORS_ORIGINS", "")),
        )


def api_keys(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the keys in SERVICE_API_KEYS, which are separated by commas.

    Raises:
        UserError: a key is too short, or has characters that a header cannot have; it is not shown. Or the variable is
            set and has no key.
    """
    value = environment.get("SERVICE_API_KEYS", "")
    keys = tuple(key.strip() for key in value.split(",") if key.strip())
    if value and not keys:
        raise UserError("SERVICE_API_KEYS is set and has no key; unset it to accept requests without a key")
    for position, key in enumerate(keys, 1):
        if len(key) < _SHORTEST_KEY or not _VISIBLE.fullmatch(key):
            rule = f"{_SHORTEST_KEY} or more letters, digits and punctuation marks of ASCII, without spaces"
            raise UserError(f"key {position} of SERVICE_API_KEYS is not {rule}; make one with `openssl rand -hex 24`")
    return keys


def bundle_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder of the bundle: MODEL_BUNDLE, or the one that the pipeline writes."""
    return Path(environment.get("MODEL_BUNDLE") or paths.BUNDLE)


def _root_path(text: str) -> str:
    if text and not _PREFIX.fullmatch(text):
        raise UserError(
            f'ROOT_PATH is "{text}"; write the prefix of a path, such as /models/houses, without / at its end'
        )
    return text


def _origins(text: str) -> tuple[str, ...]:
    """Return the origins in CORS_ORIGINS, which are separated by commas, as browsers write them."""
    origins = tuple(origin.strip() for origin in text.split(",") if origin.strip())
    if text and not origins:
        raise UserError("CORS_ORIGINS is set and has no origin; unset it to accept no requests of other sites' pages")
    if "*" in origins and len(origins) > 1:
        raise UserError("CORS_ORIGINS has * beside other origins; write * alone, or the others")
    for origin in origins:
        if origin != "*" and origin != (written := _as_browsers_write(origin)):
            raise UserError(f'CORS_ORIGINS has "{origin}", which no browser sends as an origin; write {written}')
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


def _whole_number(name: str, value: Any, least: int, most: int) -> int:
    text = str(value)
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise UserError(f'{name} is "{text}"; write a whole number from {least:,} to {most:,}')
    return int(text)
