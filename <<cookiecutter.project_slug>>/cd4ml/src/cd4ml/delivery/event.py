"""What happened to the model, for people: the argument of the functions in the team's notify.py."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

Kind = Literal["rejected", "released", "rolled back", "alert", "over"]
"""A retraining was rejected; a model went live, by a release or a rollback; monitoring wants somebody to act, or no
longer does."""


@dataclass(frozen=True)
class Event:
    """One event. All texts are plain: they may hold values from the data, so escape them before they become markup."""

    kind: Kind
    model: str
    """The name of the project."""
    title: str
    """What happened, in one line."""
    lines: tuple[str, ...] = ()
    """Details, and what to do, one a line."""
    version: str = ""
    """The version of the model that it is about; empty if that is not known."""
    link: str = ""
    """Where to read on: the issue, the release or the run; empty outside GitHub."""

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON, such as for a webhook of your own."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Event":
        """Return what `as_json` wrote.

        Raises:
            ValueError: it is no event.
        """
        try:
            event = cls(**{**content, "lines": tuple(content.get("lines", ()))})
        except TypeError:
            raise ValueError("not an event") from None
        if event.kind not in get_args(Kind):
            raise ValueError(f"{event.kind} is no kind of event")
        return event
