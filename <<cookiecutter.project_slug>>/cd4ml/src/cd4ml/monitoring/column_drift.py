"""Where a column's values have moved: the newest period beside the training set, the period before, and a year ago.

It explains, and alarms nobody: inputs change all the time, mostly without harm.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from cd4ml.contract.column import Column
from cd4ml.contract.columns import Array, Columns
from cd4ml.contract.contract import Contract
from cd4ml.evaluation.results import round_significant
from cd4ml.monitoring.drift import chance_index, distance, stability_index
from cd4ml.monitoring.periods import Period
from cd4ml.monitoring.served import ColumnCounter, ColumnCounts
from cd4ml.serving.tallies import OTHER, Categories, Numbers

_YEAR = 364  # days: 52 weeks, so that the days of the week are the same


def column_drift(
    contract: Contract,
    profile: Mapping[str, Any],
    counters: Mapping[str, ColumnCounter],
    now: Mapping[str, ColumnCounts],
    before: Mapping[str, ColumnCounts],
    season: Mapping[str, ColumnCounts],
) -> list[dict[str, Any]]:
    """Return, for each column whose values were counted, what it was beside; those that moved most first.

    Args:
        contract: of the live model.
        profile: reference.json of its bundle.
        counters: by which the counts were made.
        now: of the newest period.
        before: of the period before; empty if there is none.
        season: of the same days a year ago, in the source; empty if it has none.
    """
    columns = []
    for name, counts in now.items():
        column, of_training = contract.columns[name], profile["columns"].get(name, {})
        bins, expected = _bins(counters[name], column, of_training)
        entry: dict[str, Any] = {
            "name": name,
            "type": column.type,
            "unit": column.unit,
            "rows": counts.rows,
            "nulls": round_significant(counts.nulls / counts.rows),
            "nulls_in_training": of_training.get("nulls"),
            "unknown": round_significant(counts.unknown / counts.rows),
            "outside": round_significant(counts.outside / counts.rows),
            "bins": bins,
            "counts": counts.bins.tolist(),
            "training": None if expected is None else expected.tolist(),
        }
        if expected is not None:
            rows = int(profile["rows"] * (1 - of_training.get("nulls", 0.0)))
            entry |= _beside("training", expected, rows, counts, np.array(of_training.get("means", [])))
        for against, others in (("before", before), ("season", season)):
            other = others.get(name)
            if other is not None and other.bins.sum() and counts.bins.sum():
                shares = other.bins / other.bins.sum()
                entry[against] = shares.tolist()
                entry |= _beside(against, shares, int(other.bins.sum()), counts, other.means)
        columns.append(entry)
    return sorted(columns, key=lambda entry: -(entry.get("index_training") or 0.0))


def _bins(counter: ColumnCounter, column: Column, profile: Mapping[str, Any]) -> tuple[list[Any], Array | None]:
    """Return the names or ends of a column's bins, and the share of the training set in each; None if not on record."""
    tallier = counter.tallier
    if isinstance(tallier, Numbers):
        shares = profile.get("shares")
        ends = tallier.edges.astype(float).tolist()
        return ends, np.array(shares) if shares and len(shares) == tallier.bins else None
    if isinstance(tallier, Categories):
        listed = [profile["shares"].get(name, 0.0) for name in tallier.names]
        rest = sum(profile["shares"].values()) + profile.get("rest", 0.0) - sum(listed)
        return [*tallier.names, OTHER], np.array([*listed, max(rest, 0.0)])
    if column.type == "boolean" and tallier.bins:
        true = profile.get("true", 0.0)
        return [False, True], np.array([1 - true, true])
    return [], None


def _beside(against: str, shares: Array, rows: int, counts: ColumnCounts, means: Array) -> dict[str, float | None]:
    """Return the effect sizes of some counts against the shares of other rows, whose bins have these means."""
    found = {
        f"index_{against}": round_significant(stability_index(shares, counts.bins)),
        f"chance_{against}": round_significant(chance_index(shares, rows, int(counts.bins.sum()))),
    }
    if len(means) and len(counts.sums):
        moved = distance((means, shares), (counts.means, counts.bins))
        found[f"distance_{against}"] = round_significant(moved)
    return found


def season_counts(
    counters: Mapping[str, ColumnCounter], columns: Columns, times: Array | None, period: Period
) -> dict[str, ColumnCounts]:
    """Return the counts of the source's rows of the same days a year before a period; empty if there are none."""
    if times is None:
        return {}
    inside = period.holds(times.astype("datetime64[D]") + np.timedelta64(_YEAR, "D"))
    if not inside.any():
        return {}
    counted = {}
    for name, counter in counters.items():
        counted[name] = ColumnCounts()
        counter.add(counted[name], columns[name][inside])
    return counted
