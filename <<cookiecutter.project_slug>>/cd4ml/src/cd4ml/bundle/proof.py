"""Prove row by row that an ONNX export answers as the fitted pipeline does."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from cd4ml.bundle.decision import Decision
from cd4ml.bundle.onnx_export import NotExportableError
from cd4ml.contract.columns import Array, Columns, evenly_spaced_rows
from cd4ml.contract.contract import Contract
from cd4ml.errors import describe

PROBABILITY_TOLERANCE = 1e-5
NUMBER_TOLERANCE = 1e-5  # of the target's standard deviation
_MOST_ROWS = 50_000
_BASE_ROWS = 200
_SINGLE_ROWS = 50
_UNSEEN = "\N{SNOWMAN} not seen in training"

Scores = Callable[[Columns], Array]


@dataclass(frozen=True)
class Probe:
    """Rows to ask both, and what is special about them."""

    name: str
    columns: Columns


def probes(train: Columns, holdout: Columns, contract: Contract) -> Iterator[Probe]:
    """Yield rows that the contract allows and that exports are known to get wrong."""
    yield Probe("the held-out rows", evenly_spaced_rows(holdout, _MOST_ROWS))
    yield Probe("the training rows", evenly_spaced_rows(train, _MOST_ROWS))
    base = evenly_spaced_rows(holdout, _BASE_ROWS)
    nullable = [name for name, column in contract.columns.items() if column.nullable]
    for name in nullable:
        yield Probe(f"{name} null", base | {name: _filled(base[name], None)})
    if nullable:
        yield Probe("every nullable column null", base | {name: _filled(base[name], None) for name in nullable})
    for name, column in contract.columns.items():
        if column.type in ("number", "integer"):
            for limit in {column.lowest, column.highest, *_observed_limits(train[name]), column.lowest / 2}:
                if column.lowest <= limit <= column.highest:
                    yield Probe(f"{name} {limit:.6g}", base | {name: _filled(base[name], limit)})
            yield Probe(f"{name} whole numbers", base | {name: _within(np.round(base[name]), column)})
            for direction in (-np.inf, np.inf):
                nudged = np.nextafter(base[name], np.float32(direction))
                yield Probe(f"{name} nudged by the least step", base | {name: _within(nudged, column)})
        elif column.type == "boolean":
            for flag in (0.0, 1.0):
                yield Probe(f"{name} {bool(flag)}", base | {name: _filled(base[name], flag)})
        elif column.type == "category":
            values = [*(column.values or []), *([] if column.rejects_unknown else [_UNSEEN, "0", "Ω" * 500])]
            for value in values:
                yield Probe(f"{name} {value[:40]}", base | {name: _filled(base[name], value)})
        else:
            for day in ("1900-01-01", "1970-01-01", "2100-12-31T23:59:59.999999"):
                yield Probe(f"{name} {day}", base | {name: _filled(base[name], np.datetime64(day, "us"))})


def difference(said: Array, expected: Array, decision: Decision, tolerance: float) -> str | None:
    """Return how scores differ from the pipeline's, for a person; None where they are the same to `tolerance`."""
    if said.shape != expected.shape:
        return f"answers of shape {said.shape} instead of {expected.shape}"
    with np.errstate(invalid="ignore"):
        gap = np.abs(said - expected)
    gap[np.isnan(said) & np.isnan(expected)] = 0
    gap = np.nan_to_num(gap, nan=np.inf)
    by_row = gap if gap.ndim == 1 else gap.max(axis=1, initial=0)
    wrong = by_row > tolerance
    labels_differ = decision.labels(said) != decision.labels(expected)
    wrong |= labels_differ & ~decision.near_the_edge(expected, tolerance) & (decision.task != "regression")
    if not wrong.any():
        return None
    return f"answers differ by up to {by_row.max():.2g} in {wrong.sum():,} of {len(wrong):,} rows"


def proof(
    exported: Scores,
    pipeline: Scores,
    train: Columns,
    holdout: Columns,
    contract: Contract,
    decision: Decision,
    tolerance: float,
) -> str:
    """Ask both for every probe; return what was proved, for a person.

    Raises:
        NotExportableError: they differ somewhere; the message says where and by how much.
    """
    asked = 0
    for probe in probes(train, holdout, contract):
        expected = pipeline(probe.columns)
        found = difference(_asked(exported, probe), expected, decision, tolerance)
        if found:
            raise NotExportableError(f"its ONNX form is not exact: {found} ({probe.name})")
        asked += len(expected)
    together = evenly_spaced_rows(holdout, _SINGLE_ROWS)
    expected = pipeline(together)
    for row in range(len(expected)):
        one = {name: array[row : row + 1] for name, array in together.items()}
        for said in (_asked(exported, Probe("a row alone", one)), pipeline(one)):
            found = difference(said, expected[row : row + 1], decision, tolerance)
            if found:
                raise NotExportableError(f"a row asked alone is answered otherwise than among others: {found}")
    return f"ONNX, proved equal to the pipeline on {asked:,} rows"


def _asked(exported: Scores, probe: Probe) -> Array:
    try:
        return exported(probe.columns)
    except Exception as failure:  # ONNX Runtime has its own kinds
        raise NotExportableError(f"its ONNX form fails: {describe(failure)[:120]} ({probe.name})") from failure


def _filled(array: Array, value: Any) -> Array:
    filled = np.empty_like(array)
    filled[:] = _null(array) if value is None else value
    return filled


def _null(array: Array) -> Any:
    if array.dtype == object:
        return ""
    return np.datetime64("NaT", "us") if array.dtype.kind == "M" else np.nan


def _observed_limits(array: Array) -> set[float]:
    there = array[~np.isnan(array)]
    return {float(there.min()), float(there.max())} if len(there) else set()


def _within(array: Array, column: Any) -> Array:
    return np.clip(array, np.float32(column.lowest), np.float32(column.highest))
