"""Count what the prediction log holds of a period, a part at a time, so that memory does not grow with the log.

Only requests of users count: those of smoke tests and canaries are told apart by `kind`.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cd4ml.bundle.bundle import Bundle
from cd4ml.bundle.score_profile import leading_scores
from cd4ml.contract.column import Column
from cd4ml.contract.columns import Array
from cd4ml.monitoring.logged_columns import are_scored, logged_column, logged_scores
from cd4ml.serving.tallies import Categories, Numbers, Tallier, column_tallier


@dataclass
class ColumnCounts:
    """The values of one column in some rows."""

    rows: int = 0
    nulls: int = 0
    unknown: int = 0
    """Categories that are neither in the contract nor on record of the training set."""
    off_record: float = 0.0
    """The share of the training set's rows whose category is not on record either: it keeps the most frequent ones."""
    outside: int = 0
    """Numbers below the smallest, or above the largest one of the training set."""
    far: int = 0
    """Those of them that are farther out than the training set's range is wide."""
    lowest: float = float("inf")
    highest: float = float("-inf")
    bins: Array = field(default_factory=lambda: np.zeros(0))
    """The rows in each bin of the column's tallier."""
    sums: Array = field(default_factory=lambda: np.zeros(0))
    """Of the numbers in each bin; empty unless they are numbers."""

    @property
    def means(self) -> Array:
        """The mean of each bin of numbers, 0 of an empty one; empty unless they are numbers."""
        if not len(self.sums):
            return self.sums
        return np.asarray(self.sums / np.maximum(self.bins, 1))


@dataclass
class Served:
    """The predictions of a period."""

    rows: int = 0
    tests: int = 0
    """Rows of smoke tests and canaries, which are not among `rows`."""
    by_day: Counter[date] = field(default_factory=Counter)
    by_version: Counter[str] = field(default_factory=Counter)
    newest: datetime | None = None
    columns: dict[str, ColumnCounts] = field(default_factory=dict)
    uncounted: Counter[str] = field(default_factory=Counter)
    """By column: the rows that have it not, or of another type, as the contract of their time named it otherwise."""
    left_out: Counter[str] = field(default_factory=Counter)
    """By reason, as `usable_records` names them: the records that tell nothing, or whose answers do not."""
    other_models: Counter[str] = field(default_factory=Counter)
    """The records of other models, by name."""
    scores: Array = field(default_factory=lambda: np.zeros(0))
    """The rows of the live version in each bin of the test set's scores; empty if the bundle names no bins."""
    labels: Counter[str] = field(default_factory=Counter)
    """The live version's predicted labels; empty for regression."""


class ColumnCounter:
    """Counts one column's values by its training profile."""

    def __init__(self, column: Column, profile: Mapping[str, Any]) -> None:
        self.tallier: Tallier = column_tallier(column, profile)
        self._off_record = 0.0
        if isinstance(self.tallier, Categories) and self.tallier.known is None:
            self._off_record = float(profile.get("rest", 0.0))
            self.tallier = replace(self.tallier, known=frozenset(profile["shares"]))
        quantiles = profile.get("quantiles") if column.type in ("number", "integer") and not column.sensitive else None
        self._limits = (float(np.float32(quantiles[0])), float(np.float32(quantiles[-1]))) if quantiles else None

    def add(self, counts: ColumnCounts, values: Array) -> None:
        """Add normalized values, shape `(rows,)`."""
        tally = self.tallier.tally(values)
        counts.rows += len(values)
        counts.nulls += tally.nulls
        counts.unknown += tally.unknown
        counts.off_record = self._off_record
        counts.bins = tally.bins + counts.bins if len(counts.bins) else tally.bins
        if self._limits is not None and isinstance(self.tallier, Numbers):
            self._add_numbers(counts, values[~np.isnan(values)], self.tallier, *self._limits)

    def _add_numbers(self, counts: ColumnCounts, numbers: Array, tallier: Numbers, low: float, high: float) -> None:
        finite = numbers[np.isfinite(numbers)]
        sums = np.bincount(np.searchsorted(tallier.edges, finite), finite, minlength=tallier.bins)
        counts.sums = sums + counts.sums if len(counts.sums) else sums
        counts.outside += int(np.count_nonzero((numbers < low) | (numbers > high)))
        width = high - low
        counts.far += int(np.count_nonzero((numbers < low - width) | (numbers > high + width)))
        counts.lowest = min(counts.lowest, float(numbers.min(initial=np.inf)))
        counts.highest = max(counts.highest, float(numbers.max(initial=-np.inf)))


class ServedCounter:
    """Counts records of the prediction log by the profile of the live bundle."""

    def __init__(self, bundle: Bundle) -> None:
        profile = bundle.training_profile()
        self._contract, self._decision, self._version = bundle.contract, bundle.decision, bundle.version
        self.columns = {
            name: ColumnCounter(column, profile["columns"].get(name, {"shares": {}, "rest": 1.0}))
            for name, column in bundle.contract.columns.items()
        }
        self._edges = np.array(profile.get("scores", {}).get("predicted", {}).get("edges", []))

    def add(self, served: Served, records: pa.Table, *, columns: bool = True) -> pa.Table:
        """Add records, with or without the values of their columns; return those of users."""
        users = records.filter(pc.equal(records["kind"], "user"))
        served.tests += len(records) - len(users)
        if not len(users):
            return users
        served.rows += len(users)
        times = users["time"].combine_chunks().cast(pa.timestamp("us")).to_numpy()
        days, counts = np.unique(times.astype("datetime64[D]"), return_counts=True)
        served.by_day.update(dict(zip(days.tolist(), counts.tolist(), strict=True)))
        newest = times.max().item().replace(tzinfo=UTC)
        served.newest = max(served.newest or newest, newest)
        for entry in pc.value_counts(users["version"]).to_pylist():
            served.by_version[entry["values"]] += entry["counts"]
        for name, counter in self.columns.items() if columns else ():
            column = self._contract.columns[name]
            values = logged_column(users, name, column)
            if values is not None:
                counter.add(served.columns.setdefault(name, ColumnCounts()), values)
            elif not column.sensitive:
                served.uncounted[name] += len(users)
        self._add_predictions(served, users.filter(pc.equal(users["version"], self._version)))
        return users

    def _add_predictions(self, served: Served, records: pa.Table) -> None:
        """Add the predictions of the live version, whose test set they are compared with."""
        records = records.filter(are_scored(records, self._decision))
        if not len(records) or not len(self._edges):
            return
        values = leading_scores(logged_scores(records, self._decision), self._decision)
        counts = np.bincount(np.searchsorted(self._edges, values), minlength=len(self._edges) + 1)
        served.scores = counts + served.scores if len(served.scores) else counts
        if self._decision.task != "regression":
            for entry in pc.value_counts(records["prediction"]).to_pylist():
                served.labels[str(entry["values"])] += entry["counts"]
