"""Count the values of a column, or the predictions: nulls, values that training did not see, a histogram.

The bins come from the training profile (reference.json of the bundle), so that a shift is seen as other shares than a
tenth in each bin. They are fixed when the service starts, whatever values it is sent.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from cd4ml.contract.column import Column
from cd4ml.contract.columns import Array

OTHER = "(other)"
"""The bin of the categories that have none of their own."""
_MOST_CATEGORIES = 20  # with a bin of their own in one column, the most frequent ones of the training set
_DEVIATIONS = np.arange(-2.5, 2.6, 0.5)  # from the mean: where the bins of predicted numbers end


@dataclass(frozen=True)
class Tally:
    """What was counted in some rows."""

    bins: Array
    """Rows in each bin, shape `(bins,)`."""
    nulls: int = 0
    unknown: int = 0
    """Categories that are neither in the contract nor in the training set."""
    total: float = 0.0
    """The sum of the numbers."""


class Tallier(Protocol):
    """Counts one column's values."""

    @property
    def bins(self) -> int:
        """The number of bins."""

    @property
    def knows_all(self) -> bool:
        """Whether it can tell which categories are unknown."""

    def tally(self, values: Array) -> Tally:
        """Return the counts of normalized values, shape `(rows,)`."""


@dataclass(frozen=True)
class Numbers:
    """Counts numbers in bins that end at `edges`, which are in ascending order; one more is for larger numbers."""

    edges: Array
    knows_all: bool = field(default=False, init=False)

    @property
    def bins(self) -> int:
        """The number of bins."""
        return len(self.edges) + 1

    def tally(self, values: Array) -> Tally:
        """Return the counts of numbers."""
        numbers = values[~np.isnan(values)]
        # at the left side: a number that equals an edge is in the bin that ends there, as Prometheus's `le` says
        bins = np.bincount(np.searchsorted(self.edges, numbers), minlength=self.bins)
        return Tally(bins, len(values) - len(numbers), total=float(numbers.sum(dtype=np.float64)))


@dataclass(frozen=True)
class Booleans:
    """Counts false and true, in this order."""

    bins: int = field(default=2, init=False)
    knows_all: bool = field(default=False, init=False)

    def tally(self, values: Array) -> Tally:
        """Return the counts of 0, 1 and NaN."""
        true, nulls = int(np.count_nonzero(values == 1)), int(np.count_nonzero(np.isnan(values)))
        return Tally(np.array([len(values) - nulls - true, true]), nulls)


@dataclass(frozen=True)
class Categories:
    """Counts categories: one bin for each in `names`, the last for all others."""

    names: Sequence[str]
    known: Collection[str] | None
    """All categories of the contract and of the training set; None if that is not on record."""

    @property
    def bins(self) -> int:
        """The number of bins."""
        return len(self.names) + 1

    @property
    def knows_all(self) -> bool:
        """Whether it can tell which categories are unknown."""
        return self.known is not None

    def tally(self, values: Array) -> Tally:
        """Return the counts of categories; an empty one is a null."""
        counts = Counter(values.tolist())
        nulls = counts.pop("", 0)
        known = self.known
        unknown = 0 if known is None else sum(count for name, count in counts.items() if name not in known)
        bins = [counts.pop(name, 0) for name in self.names]
        return Tally(np.array([*bins, counts.total()]), nulls, unknown)


@dataclass(frozen=True)
class NullsOnly:
    """Counts the nulls of another tallier, and its unknown values, but no values."""

    tallier: Tallier
    bins: int = field(default=0, init=False)

    @property
    def knows_all(self) -> bool:
        """Whether it can tell which categories are unknown."""
        return self.tallier.knows_all

    def tally(self, values: Array) -> Tally:
        """Return the counts of nulls and unknown values."""
        counted = self.tallier.tally(values)
        return Tally(np.zeros(0), counted.nulls, counted.unknown)


@dataclass(frozen=True)
class Times:
    """Counts the times that are null."""

    bins: int = field(default=0, init=False)
    knows_all: bool = field(default=False, init=False)

    def tally(self, values: Array) -> Tally:
        """Return the count of NaT."""
        return Tally(np.zeros(0), int(np.count_nonzero(np.isnat(values))))


def column_tallier(column: Column, profile: Mapping[str, Any]) -> Tallier:
    """Return what counts a column's values.

    Args:
        column: of the contract; of a sensitive one, no value is counted.
        profile: of the column in the training profile.
    """
    tallier: Tallier
    match column.type:
        case "timestamp":
            tallier = Times()
        case "boolean":
            tallier = Booleans()
        case "category":
            tallier = _categories(column, profile)
        case _:
            tallier = Numbers(np.unique(np.array(profile.get("quantiles", []), dtype=np.float32)))
    return NullsOnly(tallier) if column.sensitive else tallier


def _categories(column: Column, profile: Mapping[str, Any]) -> Categories:
    frequent = [name for name in profile["shares"] if name != OTHER]
    complete = column.values is not None or not profile["rest"]
    known = frozenset([*(column.values or ()), *profile["shares"]]) if complete else None
    return Categories(frequent[:_MOST_CATEGORIES], known)


def prediction_bins(target: Mapping[str, Any]) -> Numbers:
    """Return what counts predicted numbers, by the training set's target: half a standard deviation in each bin."""
    return Numbers(np.unique(target["mean"] + _DEVIATIONS * target["deviation"]))
