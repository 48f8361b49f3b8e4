"""A decision about a column: what it is used for, why, how sure that is, and what else it may be."""

from dataclasses import dataclass
from typing import Literal

from cd4ml.contract.column import Column

Certainty = Literal["sure", "likely", "check"]


@dataclass(frozen=True)
class Decision:
    """What a column is used for."""

    name: str
    role: Literal["id", "group", "time", "column", "left out"]
    column: Column | None
    reason: str = ""
    """Why, for a person; empty if it goes without saying."""
    certainty: Certainty = "sure"
    otherwise: "Decision | None" = None
    """What the column is instead, if a person says so."""

    @property
    def action(self) -> str:
        """What is done with the column, for a question."""
        return "leave it out" if self.column is None else f"use it as a {self.column.type}"
