"""How long outcomes take to arrive: by day, the share of the answers whose outcome is known."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from cd4ml.contract.columns import Array
from cd4ml.monitoring.periods import Period

_COMPLETE = 0.9  # of the share that days reach which have all of their outcomes


@dataclass(frozen=True)
class Coverage:
    """The answers with an id, and those whose outcome is known, by day."""

    answered: Mapping[date, int]
    labelled: Mapping[date, int]

    @classmethod
    def of(cls, answered: Mapping[date, int], times: Array) -> "Coverage":
        """Return the coverage of answers whose labelled ones were given at `times`."""
        days, counts = np.unique(times.astype("datetime64[D]"), return_counts=True)
        return cls(answered, dict(zip(days.tolist(), counts.tolist(), strict=True)))

    def share(self, day: date) -> float:
        """Return the share of a day's answers whose outcome is known."""
        return self.labelled.get(day, 0) / self.answered[day]

    @property
    def usual(self) -> float:
        """The share that days reach: the most of any day that has a usual number of answers; some never get one."""
        typical = np.median(list(self.answered.values())) / 2 if self.answered else 0
        return max((self.share(day) for day, rows in self.answered.items() if rows >= typical), default=0.0)

    def delay(self, today: date) -> int | None:
        """Return the days after which outcomes are complete; None if no day's are.

        It is the age of the newest day that has 90 % of the usual share.
        """
        complete = [day for day in self.answered if self.usual and self.share(day) >= _COMPLETE * self.usual]
        return (today - max(complete)).days if complete else None

    def of_period(self, period: Period) -> float:
        """Return the share of a period's outcomes that have arrived, of those that usually do."""
        answered = sum(rows for day, rows in self.answered.items() if period.first <= day <= period.last)
        labelled = sum(rows for day, rows in self.labelled.items() if period.first <= day <= period.last)
        return min(1.0, labelled / answered / self.usual) if answered and self.usual else 0.0

    def as_json(self, today: date) -> dict[str, Any]:
        """Return it for monitoring.json."""
        days = [
            {"day": str(day), "answered": self.answered[day], "labelled": self.labelled.get(day, 0)}
            for day in sorted(self.answered)
        ]
        return {"by_day": days, "usual_share": self.usual, "delay_days": self.delay(today)}
