"""A value in params.yaml, and from what it follows."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Setting:
    """A value in params.yaml."""

    value: Any
    comment: str = ""
    """From what it follows; empty: the comment that is there stays."""
