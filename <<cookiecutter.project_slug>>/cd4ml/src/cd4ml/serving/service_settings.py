"""What the service may be told: by environment variables, and over them by the command line."""

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
class Settings:
    """How the service listens, what it answers from, and how much it takes at once."""

    host: str = "127.0.0.1"
    port: int = 8000
    bundle: Path = paths.BUNDLE
    max_rows: int = 1000
    """Rows in one request."""
    max_bytes: int = 1024 * 1024
    """Size of one request's body."""
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    """Whoever sends one of them may ask for predictions; none: everybody may."""

    @classmethod
    def read(cls, argv: list[str], environment: Mapping[str, str]) -> Self:
        """Return the settings that arguments and environment name; an empty variable counts as unset.

        Raises:
            UserError: a value that is no setting of this kind.
        """
        told = {name: value for name, value in environment.items() if value}
        arguments = Arguments("serve")
        arguments.add_argument("--host", default=told.get("HOST", cls.host))
        arguments.add_argument("--port", default=told.get("PORT", cls.port))
        given = arguments.parse_args(argv)
        return cls(
            host=given.host,
            port=_whole_number("the port (PORT)", given.port, 0, 65535),
            bundle=bundle_folder(told),
            max_rows=_whole_number("MAX_ROWS", told.get("MAX_ROWS", cls.max_rows), 1, 1_000_000),
            max_bytes=_whole_number("MAX_BYTES", told.get("MAX_BYTES", cls.max_bytes), 1, 2**31 - 1),
            api_keys=api_keys(told),
        )


def api_keys(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the keys in SERVICE_API_KEYS, which commas separate.

    Raises:
        UserError: one could be guessed, or sent by no client; it is not shown. Or there is none in what is set.
    """
    told = environment.get("SERVICE_API_KEYS", "")
    keys = tuple(key.strip() for key in told.split(",") if key.strip())
    if told and not keys:
        raise UserError("SERVICE_API_KEYS is set and holds no key; unset it to let everybody ask")
    for place, key in enumerate(keys, 1):
        if len(key) < _SHORTEST_KEY or not _VISIBLE.fullmatch(key):
            rule = f"{_SHORTEST_KEY} or more letters, digits and signs of ASCII, without spaces"
            raise UserError(f"key {place} of SERVICE_API_KEYS is not {rule}; make one with `openssl rand -hex 24`")
    return keys


def bundle_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder of the bundle: MODEL_BUNDLE, or where the pipeline puts it."""
    return Path(environment.get("MODEL_BUNDLE") or paths.BUNDLE)


def _whole_number(name: str, value: Any, least: int, most: int) -> int:
    text = str(value)
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise UserError(f'{name} is "{text}"; write a whole number from {least:,} to {most:,}')
    return int(text)
