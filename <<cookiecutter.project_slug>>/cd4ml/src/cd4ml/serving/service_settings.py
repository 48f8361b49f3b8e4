"""Read the service's settings from environment variables and from arguments, which take precedence."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from cd4ml.errors import UserError
from cd4ml.settings import paths
from cd4ml.terminal.arguments import Arguments

_SHORTEST_KEY = 16
_VISIBLE = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True)
class ServiceSettings:
    """The address, the bundle, the limits and the API keys of the service."""

    host: str = "127.0.0.1"
    port: int = 8000
    bundle: Path = paths.BUNDLE
    max_rows: int = 1000
    """Rows in one request."""
    max_bytes: int = 1024 * 1024
    """Size of one request's body."""
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    """POST /predict requires one of them; if there are none, it requires no key."""

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


def _whole_number(name: str, value: Any, least: int, most: int) -> int:
    text = str(value)
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise UserError(f'{name} is "{text}"; write a whole number from {least:,} to {most:,}')
    return int(text)
