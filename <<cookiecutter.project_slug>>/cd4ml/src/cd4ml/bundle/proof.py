"""Prove, on rows that exports are known to get wrong, that an ONNX export gives the fitted pipeline's scores."""

from collections.abc import Callable

import numpy as np

from cd4ml.bundle.decision import Decision
from cd4ml.bundle.onnx_export import NotExportableError
from cd4ml.bundle.probes import Batch, Probes
from cd4ml.contract.columns import Array, Columns, evenly_spaced_rows
from cd4ml.contract.contract import Contract
from cd4ml.errors import describe
from cd4ml.terminal.progress_meter import ProgressMeter

PROBABILITY_TOLERANCE = 1e-5
NUMBER_TOLERANCE = 1e-5  # of the target's standard deviation
_SINGLE_ROWS = 50
_TASK = "comparing the export with the pipeline"

ScoreFunction = Callable[[Columns], Array]


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
    compared, meter = 0, ProgressMeter(_TASK)
    total, batches = Probes(train, test, contract).batches()
    for batch in batches:
        _compare(_exported_scores(exported, batch), pipeline(batch.columns), batch, decision, tolerance)
        compared += batch.rows
        meter.report_rows(compared, total)
    _compare_single_rows(exported, pipeline, evenly_spaced_rows(test, _SINGLE_ROWS), decision, tolerance)
    return f"ONNX, proved equal to the pipeline on {compared:,} rows"


def _compare(scores: Array, expected: Array, batch: Batch, decision: Decision, tolerance: float) -> None:
    """Raise an error that names the first part of a batch whose scores differ; return if there is no difference."""
    difference = describe_difference(scores, expected, decision, tolerance)
    if difference is None:
        return
    for name, part in batch.parts:
        of_part = describe_difference(scores[part], expected[part], decision, tolerance)
        if of_part:
            raise NotExportableError(f"its ONNX form is not exact: {of_part} ({name[:120]})")
    raise NotExportableError(f"its ONNX form is not exact: {difference} (many rows together)")


def _compare_single_rows(
    exported: ScoreFunction, pipeline: ScoreFunction, rows: Columns, decision: Decision, tolerance: float
) -> None:
    """Raise an error if a row gets other scores alone than in a batch."""
    expected = pipeline(rows)
    for row in range(len(expected)):
        alone = Batch({name: array[row : row + 1] for name, array in rows.items()}, [("a single row", slice(0, 1))])
        for scores in (_exported_scores(exported, alone), pipeline(alone.columns)):
            difference = describe_difference(scores, expected[row : row + 1], decision, tolerance)
            if difference:
                raise NotExportableError(f"a row gets other scores alone than in a batch: {difference}")


def _exported_scores(exported: ScoreFunction, batch: Batch) -> Array:
    """Return the export's scores of a batch; if they cannot be computed, raise an error that names the first part."""
    try:
        return exported(batch.columns)
    except Exception as failure:  # ONNX Runtime has its own exceptions
        for name, part in batch.parts if len(batch.parts) > 1 else []:
            columns = {column: array[part] for column, array in batch.columns.items()}
            _exported_scores(exported, Batch(columns, [(name, slice(0, part.stop - part.start))]))
        name = batch.parts[0][0] if len(batch.parts) == 1 else "many rows together"
        raise NotExportableError(f"its ONNX form fails: {describe(failure)[:120]} ({name[:120]})") from failure
