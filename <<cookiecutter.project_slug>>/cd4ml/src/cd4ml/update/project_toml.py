"""A TOML file of the project, in which its team may have made a mistake."""

import tomllib
from typing import Any

from cd4ml.update.record import UpdateError


def parse_toml(text: str, path: str) -> dict[str, Any]:
    """Return the content of a TOML file.

    Raises:
        UpdateError: it is not TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UpdateError(f"{path}: not valid TOML: {error}; correct it and commit, then run this again") from None
