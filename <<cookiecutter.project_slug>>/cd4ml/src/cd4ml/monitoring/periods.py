"""The days that are judged together: whole days in UTC, counted back from the newest one."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from cd4ml.contract.columns import Array
from cd4ml.errors import UserError

DAY = timedelta(days=1)


@dataclass(frozen=True, order=True)
class Period:
    """The days from `first` to `last`, both included."""

    first: date
    last: date

    def __str__(self) -> str:
        return f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"

    def holds(self, times: Array) -> Array:
        """Return which of some times, or days, are on a day of the period: a mask of the same shape."""
        days = times.astype("datetime64[D]")
        return np.asarray((days >= np.datetime64(self.first)) & (days <= np.datetime64(self.last)))

    def days(self) -> Iterator[date]:
        """Return each day, the oldest first."""
        return (self.first + DAY * number for number in range((self.last - self.first).days + 1))


def last_day(text: str | None) -> date:
    """Return the day that a user wrote; without one, the newest day that has ended in UTC.

    Raises:
        UserError: it is no date, or has not come yet.
    """
    today = datetime.now(UTC).date()
    if text is None:
        return today - DAY
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or str(day) != text:
        raise UserError(f'--until is "{text}"; expected a date such as 2024-01-31') from None
    if day > today:
        raise UserError(f"--until is {day}, which has not come yet: it is {today} in UTC")
    return day


def periods_until(last: date, days: int, count: int) -> list[Period]:
    """Return periods of some days each, the oldest first; the newest one ends with `last`.

    Raises:
        UserError: the first one would begin before there were dates.
    """
    if last.toordinal() < days * count:
        raise UserError(f"{count} periods of {days} days do not fit before {last}; name a later day with --until")
    ends = [last - DAY * days * number for number in reversed(range(count))]
    return [Period(end - DAY * (days - 1), end) for end in ends]
