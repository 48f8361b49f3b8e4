"""Prove, on rows that exports are known to get wrong, that an ONNX export gives the fitted pipeline's scores."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from cd4ml.bundle.decision import Decision
from cd4ml.bundle.onnx_export import NotExportableError
from cd4ml.contract.column import Column
from cd4ml.contract.columns import Array, Columns, evenly_spaced_rows
from cd4ml.contract.contract import Contract
from cd4ml.errors import describe

PROBABILITY_TOLERANCE = 1e-5
NUMBER_TOLERANCE = 1e-5  # of the target's standard deviation
_MAX_ROWS = 50_000
_BASE_ROWS = 200
_SINGLE_ROWS = 50
_UNSEEN_VALUE = "\N{SNOWMAN} not seen in training"

ScoreFunction = Callable[[Columns], Array]


@dataclass(frozen=True)
class Probe:
    """Rows that both models score, and what is special about them."""

    name: str
    columns: Columns


def probes(train: Columns, test: Columns, contract: Contract) -> Iterator[Probe]:
    """Yield rows that the contract allows and that exports are known to get wrong."""
    yield Probe("the test set", evenly_spaced_rows(test, _MAX_ROWS))
    yield Probe("the training set", evenly_spaced_rows(train, _MAX_ROWS))
    base = evenly_spaced_rows(test, _BASE_ROWS)
    nullable = [name for name, column in contract.columns.items() if column.nullable]
    for name in nullable:
        yield Probe(f"{name} null", base | {name: _filled(base[name], None)})
    if nullable:
        yield Probe("every nullable column null", base | {name: _filled(base[name], None) for name in nullable})
    for name, column in contract.columns.items():
        if column.type in ("number", "integer"):
            whole = column.type == "integer"
            half = int(column.lowest / 2) if whole else column.lowest / 2
            for limit in {column.lowest, column.highest, *_observed_limits(train[name]), half}:
                if column.lowest <= limit <= column.highest:
                    yield Probe(f"{name} {limit:.6g}", base | {name: _filled(base[name], limit)})
            if whole:
                for step in (-1, 1):
                    yield Probe(f"{name} {step:+}", base | {name: _clipped(base[name] + np.float32(step), column)})
                continue
            yield Probe(f"{name} whole numbers", base | {name: _clipped(np.round(base[name]), column)})
            for direction in (-np.inf, np.inf):
                neighbour = np.nextafter(base[name], np.float32(direction))
                yield Probe(f"{name} moved to the next float32", base | {name: _clipped(neighbour, column)})
        elif column.type == "boolean":
            for flag in (0.0, 1.0):
                yield Probe(f"{name} {bool(flag)}", base | {name: _filled(base[name], flag)})
        elif column.type == "category":
            values = [*(column.values or []), *([] if column.rejects_unknown else [_UNSEEN_VALUE, "0", "Ω" * 500])]
            for value in values:
                yield Probe(f"{name} {value[:40]}", base | {name: _filled(base[name], value)})
        else:
            for time in ("1900-01-01", "1970-01-01", "2100-12-31T23:59:59.999999"):
                yield Probe(f"{name} {time}", base | {name: _filled(base[name], np.datetime64(time, "us"))})


def describe_difference(scores: Array, expected: Array, decision: Decision, tolerance: float) -> str | None:
    """Return, as a message, how scores differ from the pipeline's; None if they are equal within `tolerance`.

    Labels must be equal, too, unless a probability is so near the threshold that rounding decides.
    """
    if scores.shape != expected.shape:
        return f"scores of shape {scores.shape} instead of {expected.shape}"
    with np.errstate(invalid="ignore"):
        gap = np.abs(scores - expected)
    gap[np.isnan(scores) & np.isnan(expected)] = 0
    gap = np.nan_to_num(gap, nan=np.inf)
    gap_of_row = gap if gap.ndim == 1 else gap.max(axis=1, initial=0)
    wrong = gap_of_row > tolerance
    labels_differ = decision.labels(scores) != decision.labels(expected)
    wrong |= labels_differ & ~decision.near_decision_boundary(expected, tolerance) & (decision.task != "regression")
    if not wrong.any():
        return None
    return f"scores differ by up to {gap_of_row.max():.2g} in {wrong.sum():,} of {len(wrong):,} rows"


def prove_equal(
    exported: ScoreFunction,
    pipeline: ScoreFunction,
    train: Columns,
    test: Columns,
    contract: Contract,
    decision: Decision,
    tolerance: float,
) -> str:
    """Compare the scores of both models on every probe, and row by row; return, as a message, what was proved.

    Raises:
        NotExportableError: they differ; the message says on which rows, and by how much.
    """
    compared = 0
    for probe in probes(train, test, contract):
        expected = pipeline(probe.columns)
        difference = describe_difference(_exported_scores(exported, probe), expected, decision, tolerance)
        if difference:
            raise NotExportableError(f"its ONNX form is not exact: {difference} ({probe.name})")
        compared += len(expected)
    batch = evenly_spaced_rows(test, _SINGLE_ROWS)
    expected = pipeline(batch)
    for row in range(len(expected)):
        columns = {name: array[row : row + 1] for name, array in batch.items()}
        for scores in (_exported_scores(exported, Probe("a single row", columns)), pipeline(columns)):
            difference = describe_difference(scores, expected[row : row + 1], decision, tolerance)
            if difference:
                raise NotExportableError(f"a row gets other scores alone than in a batch: {difference}")
    return f"ONNX, proved equal to the pipeline on {compared:,} rows"


def _exported_scores(exported: ScoreFunction, probe: Probe) -> Array:
    try:
        return exported(probe.columns)
    except Exception as failure:  # ONNX Runtime has its own exceptions
        raise NotExportableError(f"its ONNX form fails: {describe(failure)[:120]} ({probe.name})") from failure


def _filled(array: Array, value: Any) -> Array:
    """Return an array of the same shape and type that holds one value everywhere; None stands for a null."""
    filled = np.empty_like(array)
    filled[:] = _null(array) if value is None else value
    return filled


def _null(array: Array) -> Any:
    if array.dtype == object:
        return ""
    return np.datetime64("NaT", "us") if array.dtype.kind == "M" else np.nan


def _observed_limits(array: Array) -> set[float]:
    values = array[~np.isnan(array)]
    return {float(values.min()), float(values.max())} if len(values) else set()


def _clipped(array: Array, column: Column) -> Array:
    return np.clip(array, np.float32(column.lowest), np.float32(column.highest))
