"""Make the rows on which exports to ONNX are known to go wrong: limits, nulls, unseen categories, float32 neighbours.

Each probe is a few rows of the test set in which one column has special values. The work is proportional to the number
of probes times the rows of each times the columns, and there are several probes for each column: with the same rows
for each probe it would grow with the square of the number of columns. Therefore a wide table gets fewer rows for each
probe, and the widest tables several probes in the same rows, each of another column. No probe is left out. In shared
rows one column can hide a wrong score that another one causes: a linear model that overflows gives NaN, whatever the
other value is, and a tree may not ask for it. `Limits` says from which width on.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cd4ml.contract.column import Column
from cd4ml.contract.columns import Array, Columns, evenly_spaced_rows, null_of
from cd4ml.contract.contract import Contract

_BASE_ROWS = 200
_MAX_SET_ROWS = 50_000
_UNSEEN_VALUE = "\N{SNOWMAN} not seen in training"
_TIMES = ("1900-01-01", "1970-01-01", "2100-12-31T23:59:59.999999")


@dataclass(frozen=True)
class Limits:
    """How many values (rows times columns) are scored. Trees score about ten million in a second."""

    total: int = 60_000_000
    """In all probes, unless `fewest_rows` for each are more. Up to about 180 columns, every probe has all rows."""
    most: int = 600_000_000
    """In all probes: rather than score more, probes of different columns share rows. Up to about 6,000 columns, none
    share any."""
    batch: int = 5_000_000
    """In one call of a model; it bounds the memory."""
    fewest_rows: int = 2
    """Of each probe."""


@dataclass(frozen=True)
class Probe:
    """A column with special values, of all base rows, and what is special about them."""

    name: str
    column: str
    values: Array


@dataclass(frozen=True)
class Batch:
    """Rows that both models score in one call, and the names of their parts."""

    columns: Columns
    parts: list[tuple[str, slice]]

    @property
    def rows(self) -> int:
        """The number of rows."""
        return int(self.parts[-1][1].stop)


@dataclass(frozen=True)
class Probes:
    """All rows of the proof."""

    train: Columns
    test: Columns
    contract: Contract
    limits: Limits = Limits()

    def batches(self) -> tuple[int, Iterator[Batch]]:
        """Return the number of rows, and the batches: the test set, the training set, then the probes of columns."""
        base = evenly_spaced_rows(self.test, _BASE_ROWS)
        probes = list(column_probes(base, self.train, self.contract))
        layout = Layout.within(self.limits, probes, base)
        sets = {"the test set": self.test, "the training set": self.train}
        sets = {name: evenly_spaced_rows(columns, _MAX_SET_ROWS) for name, columns in sets.items()}
        nullable = [name for name, column in self.contract.columns.items() if column.nullable]
        if nullable:
            sets["every nullable column null"] = base | {name: _filled(base[name], None) for name in nullable}
        total = sum(map(_rows_of, sets.values())) + layout.slots * layout.rows

        def batches() -> Iterator[Batch]:
            for name, columns in sets.items():
                yield from _pieces(name, columns, self.limits)
            yield from _batches_of_probes(base, probes, layout, self.limits)

        return total, batches()


@dataclass(frozen=True)
class Layout:
    """How probes are laid out: probe `i` changes its column in the rows of slot `i % slots`."""

    slots: int
    rows: int
    """Of each slot."""

    @classmethod
    def within(cls, limits: Limits, probes: list[Probe], base: Columns) -> "Layout":
        """Return the layout with the most rows that the limits allow; a slot never has two probes of one column."""
        if not probes:
            return cls(0, 0)
        rows = min(_rows_of(base), max(limits.fewest_rows, limits.total // len(base) // len(probes)))
        # Neighbours in the list go to different slots, and the probes of one column are neighbours.
        most_of_one_column = max(Counter(probe.column for probe in probes).values())
        return cls(min(len(probes), max(most_of_one_column, limits.most // len(base) // rows)), rows)


def column_probes(base: Columns, train: Columns, contract: Contract) -> Iterator[Probe]:
    """Yield every probe of every column: values that the contract allows and that exports are known to get wrong."""
    for name, column in contract.columns.items():
        values = base[name]
        if column.nullable:
            yield Probe(f"{name} null", name, _filled(values, None))
        for label, special in _special_values(values, column, train[name]):
            yield Probe(f"{name} {label}", name, special)


def _special_values(values: Array, column: Column, observed: Array) -> Iterator[tuple[str, Array]]:
    if column.type in ("number", "integer"):
        yield from _special_numbers(values, column, observed)
    elif column.type == "boolean":
        yield from ((str(bool(flag)), _filled(values, flag)) for flag in (0.0, 1.0))
    elif column.type == "category":
        unseen = [] if column.rejects_unknown else [_UNSEEN_VALUE, "0", "Ω" * 500]
        yield from ((text[:40], _filled(values, text)) for text in [*(column.values or []), *unseen])
    else:
        yield from ((time, _filled(values, np.datetime64(time, "us"))) for time in _TIMES)


def _special_numbers(values: Array, column: Column, observed: Array) -> Iterator[tuple[str, Array]]:
    whole = column.type == "integer"
    half = int(column.lowest / 2) if whole else column.lowest / 2
    for limit in sorted({column.lowest, column.highest, *_observed_limits(observed), half}):
        if column.lowest <= limit <= column.highest:
            yield f"{limit:.6g}", _filled(values, limit)
    if whole:
        for step in (-1, 1):
            yield f"{step:+}", _clipped(values + np.float32(step), column)
        return
    yield "whole numbers", _clipped(np.round(values), column)
    for direction in (-np.inf, np.inf):
        yield "moved to the next float32", _clipped(np.nextafter(values, np.float32(direction)), column)


def _pieces(name: str, columns: Columns, limits: Limits) -> Iterator[Batch]:
    """Yield columns in pieces that are within the limit of a batch."""
    rows, step = _rows_of(columns), max(1, limits.batch // len(columns))
    for first in range(0, rows, step):
        piece = {column: array[first : first + step] for column, array in columns.items()}
        yield Batch(piece, [(name, slice(0, _rows_of(piece)))])


def _batches_of_probes(base: Columns, probes: list[Probe], layout: Layout, limits: Limits) -> Iterator[Batch]:
    if not probes:
        return
    chosen = evenly_spaced_rows({"row": np.arange(_rows_of(base))}, layout.rows)["row"]
    rows = {name: array[chosen] for name, array in base.items()}
    step = max(1, limits.batch // (len(base) * layout.rows))
    for first in range(0, layout.slots, step):
        slots = range(first, min(first + step, layout.slots))
        columns = {name: np.tile(array, len(slots)) for name, array in rows.items()}
        parts = []
        for position, slot in enumerate(slots):
            part = slice(position * layout.rows, (position + 1) * layout.rows)
            for probe in probes[slot :: layout.slots]:
                columns[probe.column][part] = probe.values[chosen]
            parts.append((", ".join(probe.name for probe in probes[slot :: layout.slots]), part))
        yield Batch(columns, parts)


def _rows_of(columns: Mapping[str, Array]) -> int:
    return len(next(iter(columns.values())))


def _filled(array: Array, value: Any) -> Array:
    """Return an array of the same shape and type that holds one value everywhere; None stands for a null."""
    filled = np.empty_like(array)
    filled[:] = null_of(array) if value is None else value
    return filled


def _observed_limits(array: Array) -> set[float]:
    values = array[~np.isnan(array)]
    return {float(values.min()), float(values.max())} if len(values) else set()


def _clipped(array: Array, column: Column) -> Array:
    return np.clip(array, np.float32(column.lowest), np.float32(column.highest))
