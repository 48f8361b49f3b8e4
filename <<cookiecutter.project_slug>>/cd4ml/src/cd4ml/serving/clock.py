"""A clock that cannot be right: it is behind the data of the model."""

import logging
from datetime import date

log = logging.getLogger(__name__)


def warn_if_behind(today: date, until: str | None) -> None:
    """Write a line if a day is before the last one that the model has data of, as for a clock that was never set.

    No answer depends on the clock; the times in both logs do.
    """
    if until is not None and today < date.fromisoformat(until):
        log.warning("the clock says %s, and the model has data up to %s: if it is wrong, so are the logs", today, until)
