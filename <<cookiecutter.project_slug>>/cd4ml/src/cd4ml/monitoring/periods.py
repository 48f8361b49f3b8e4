"""The days that are judged together: whole days in UTC, counted back from the newest one."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

_DAY = timedelta(days=1)


@dataclass(frozen=True, order=True)
class Period:
    """The days from `first` to `last`, both included."""

    first: date
    last: date

    def __str__(self) -> str:
        return f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"

    def days(self) -> Iterator[date]:
        """Return each day, the oldest first."""
        return (self.first + _DAY * number for number in range((self.last - self.first).days + 1))


def newest_complete_day(now: datetime) -> date:
    """Return the newest day that has ended in UTC."""
    return now.astimezone(UTC).date() - _DAY


def periods_until(last: date, days: int, count: int) -> list[Period]:
    """Return periods of some days each, the oldest first; the newest one ends with `last`."""
    ends = [last - _DAY * days * number for number in reversed(range(count))]
    return [Period(end - _DAY * (days - 1), end) for end in ends]
