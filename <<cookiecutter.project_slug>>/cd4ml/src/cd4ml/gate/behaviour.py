"""Check how a bundle answers, whatever its metrics are: each row by itself, nulls and new categories, not all alike."""

from collections.abc import Iterator

import numpy as np

from cd4ml.bundle.bundle import Bundle
from cd4ml.bundle.proof import NUMBER_TOLERANCE, PROBABILITY_TOLERANCE, describe_difference
from cd4ml.contract.columns import Array, Columns, evenly_spaced_rows, normalize
from cd4ml.contract.contract import Contract
from cd4ml.errors import describe
from cd4ml.gate.rules import Finding

_SINGLE_ROWS, _SPECIAL_ROWS = 50, 100
_NEW_CATEGORY = "a category that no row has had"


def check_behaviour(bundle: Bundle, columns: Columns) -> Finding:
    """Reject a bundle whose answer depends on other rows, or that has none for a row that the contract allows.

    Args:
        bundle: the challenger.
        columns: the test set, normalized, shape `(rows,)` each.
    """
    allowed = "each row is answered by itself; so are nulls and new categories"
    try:
        reason = _why_not_by_itself(bundle, columns) or _why_not_finite(bundle, columns)
    except Exception as failure:  # a model may raise anything, and ONNX Runtime has its own exceptions
        reason = f"it fails: {describe(failure)[:200]}"
    if reason:
        return Finding("behaviour", "rejected", "different", allowed, reason)
    return Finding("behaviour", "passed", "the same alone and in any order", allowed)


def check_constant(scores: Array) -> Finding:
    """Reject a bundle that answers every row of the test set alike.

    Args:
        scores: of the test set, shape `(rows,)` or `(rows, classes)`.
    """
    different = len(np.unique(scores, axis=0))
    why = "every row gets the same answer; has the model learned anything, or does a feature hide the columns?"
    measured, allowed = f"{different:,} different answers", "at least 2"
    if different > 1:
        return Finding("constant", "passed", measured, allowed)
    return Finding("constant", "rejected", measured, allowed, why)


def _why_not_by_itself(bundle: Bundle, columns: Columns) -> str:
    """Return how a row's answer depends on the rows beside it; empty if it does not."""
    tolerance = PROBABILITY_TOLERANCE
    if bundle.manifest.task == "regression":
        tolerance = NUMBER_TOLERANCE * float(bundle.training_profile()["target"]["deviation"])
    together = bundle.scores(columns)
    backwards = bundle.scores({name: array[::-1] for name, array in columns.items()})[::-1]
    if difference := describe_difference(backwards, together, bundle.decision, tolerance):
        return f"the answer to a row depends on the order of the rows: {difference}"
    chosen = evenly_spaced_rows({"row": np.arange(len(together))}, _SINGLE_ROWS)["row"]
    singles = [bundle.scores({name: array[row : row + 1] for name, array in columns.items()}) for row in chosen]
    if difference := describe_difference(np.concatenate(singles), together[chosen], bundle.decision, tolerance):
        return f"a row alone is answered otherwise than among others: {difference}"
    return ""


def _why_not_finite(bundle: Bundle, columns: Columns) -> str:
    """Return for which rows that the contract allows the answer is no finite number; empty if there are none."""
    for name, special in _special_rows(columns, bundle.contract):
        try:
            scores = bundle.scores(special)
        except Exception as failure:  # a model may raise anything
            return f"it cannot answer {name}: {describe(failure)[:200]}"
        if not np.isfinite(scores).all():
            wrong = int((~np.isfinite(scores)).reshape(len(scores), -1).any(axis=1).sum())
            return f"the answer to {name} is NaN or infinite in {wrong:,} of {len(scores):,} rows"
    return ""


def _special_rows(columns: Columns, contract: Contract) -> Iterator[tuple[str, Columns]]:
    """Yield rows of the test set with nulls, or with new categories: in one column of each row, then in all of them."""
    base = evenly_spaced_rows(columns, _SPECIAL_ROWS)
    nullable = {name: normalize([None], column) for name, column in contract.columns.items() if column.nullable}
    new = {
        name: np.array([_NEW_CATEGORY], dtype=object)
        for name, column in contract.columns.items()
        if column.type == "category" and not column.rejects_unknown
    }
    for kind, values in (("null", nullable), ("new category", new)):
        if values:
            yield f"one {kind}", _one_in_each_row(base, values)
            yield f"a {kind} wherever one is allowed", base | _filled(values, _rows_of(base))


def _one_in_each_row(base: Columns, values: Columns) -> Columns:
    """Return as many rows as there are `values`; row `i` has the `i`-th of them in its column."""
    rows = np.arange(len(values)) % _rows_of(base)
    repeated = {name: array[rows] for name, array in base.items()}
    for row, (name, value) in enumerate(values.items()):
        repeated[name][row] = value[0]
    return repeated


def _filled(values: Columns, rows: int) -> Columns:
    return {name: np.repeat(value, rows) for name, value in values.items()}


def _rows_of(columns: Columns) -> int:
    return len(next(iter(columns.values())))
