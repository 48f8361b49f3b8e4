"""How long predictions are kept: $PREDICTION_LOG_DAYS, else as they are, else 90 days."""

import re
from collections.abc import Mapping

from cd4ml.deploy.commands import CloudError, Command
from cd4ml.deploy.set_up.steps import Document, Step, ensure, mend

_DAYS = 90


def days_given(environment: Mapping[str, str]) -> int | None:
    """Return the days that are set; None if they are not.

    Raises:
        CloudError: they are no number of days.
    """
    given = environment.get("PREDICTION_LOG_DAYS", "")
    if given and not re.fullmatch(r"[1-9][0-9]{0,4}", given):
        raise CloudError("PREDICTION_LOG_DAYS is not a number of days from 1 to 99999")
    return int(given) if given else None


def days_wanted(given: int | None) -> int:
    """Return how long predictions are kept where nothing says so yet."""
    return given or _DAYS


def retention(name: str, known: str, given: int | None, command: Command, document: Document | None = None) -> Step:
    """Return the step that sets the days of a place; `known` are those that are set, or nothing."""
    days = days_wanted(given)
    if known and given and known != str(given):
        defect = f"{name} is kept for {known} days, not {days}"
        return mend("retention", defect, f"{name}, for {days} days", command, document)
    return ensure("retention", f"{name}, for {known or days} days", bool(known), command, document=document)
