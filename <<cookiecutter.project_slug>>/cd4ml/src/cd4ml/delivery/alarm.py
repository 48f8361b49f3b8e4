"""The state of an alarm, which the issue about it keeps in its text: the checks, and when ct was started for them."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

PREFIX = "monitoring: "
"""What the reason begins with that ct is started with; the checks follow."""
_STATE = re.compile(r"<!-- monitor: (\{[^<>]*\}) -->")
_CHECK = re.compile(r"[a-z]{1,30}")
_REASON = re.compile(rf"{PREFIX}([a-z]+(?:, [a-z]+)*)")
_PART_OF_COLUMNS = {"nulls", "categories", "range"}  # what the check `columns` finds


@dataclass(frozen=True)
class Alarm:
    """What somebody must act on."""

    checks: tuple[str, ...] = ()
    """The checks that page, and those that did and cannot be judged now, by name."""
    started: str = ""
    """The day for which ct was last started for them, in ISO 8601; empty if it was not."""

    @classmethod
    def read(cls, text: str) -> "Alarm":
        """Return what `comment` wrote into a text; no alarm if there is nothing, or somebody changed it."""
        found = _STATE.search(text)
        try:
            content = json.loads(found[1]) if found else {}
            started = str(content.get("started", ""))
            if started:
                date.fromisoformat(started)
            names = (name for name in content.get("checks", ()) if isinstance(name, str) and _CHECK.fullmatch(name))
            return cls(tuple(sorted(names)), started)
        except (ValueError, TypeError, AttributeError):
            return cls()

    def comment(self) -> str:
        """Return it as a comment of HTML, which nobody sees in the issue."""
        return f"<!-- monitor: {json.dumps(asdict(self))} -->"

    def after(self, findings: Iterable[Mapping[str, Any]]) -> "Alarm":
        """Return the alarm after new findings; it is over without checks.

        A check that paged stays until it is fine again: one that cannot be judged now is not over.

        Args:
            findings: as monitoring.json has them.
        """
        levels = [(str(each["check"]), each["level"]) for each in findings]
        paging = {check for check, level in levels if level == "page"}
        unknown = {check for check, level in levels if level == "not judged"}
        stay = {check for check in self.checks if _judged_as(check) in unknown}
        return Alarm(tuple(sorted(paging | stay)), self.started)

    def may_start(self, day: date, days: int) -> bool:
        """Return whether ct may be started for a day: it was not within the `days` before, whose rows it has seen."""
        return not self.started or date.fromisoformat(self.started) + timedelta(days=days) <= day


def checks_in(text: str) -> set[str]:
    """Return the checks that a reason of monitoring names, in whatever text it stands; none if there is no such."""
    found = _REASON.search(text)
    return set(found[1].split(", ")) if found else set()


def _judged_as(check: str) -> str:
    return "columns" if check in _PART_OF_COLUMNS else check
