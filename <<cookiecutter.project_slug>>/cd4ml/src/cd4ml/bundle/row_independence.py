"""Check that a row's features and scores do not depend on the rows beside it, on their order, or on earlier calls.

In training, thousands of rows are derived together; the service gets them one by one. A feature that is scaled by the
mean of its batch has another meaning there, with ONNX as with scikit-learn, and no metric shows it.
"""

from collections.abc import Callable, Iterator

import numpy as np

from cd4ml.bundle.decision import Decision
from cd4ml.bundle.feature_code import FeatureCode
from cd4ml.bundle.proof import describe_difference
from cd4ml.contract.columns import Array, Columns, evenly_spaced_rows, null_of, rows_of_columns
from cd4ml.contract.contract import Contract
from cd4ml.errors import FeatureError, ModelError

_MOST_ROWS, _MOST_VALUES = 400, 300_000  # so that a table of 1,500 columns takes a few seconds
_NULL_ROWS = 10  # with every nullable column null: what replaces a null is often a statistic of the batch
_SINGLE_ROWS = 8  # of either kind
_TOLERANCE = 1e-6  # eight times float32's last bit: NumPy may round differently in arrays of another length
_ADVICE = (
    "compute it from the row alone; a statistic of the training set belongs into the model's pipeline, "
    "such as StandardScaler"
)


def check_features(code: FeatureCode, columns: Columns, contract: Contract) -> None:
    """Derive some rows together, in other orders, in parts and alone, and check that each row's features are the same.

    Each time the code starts anew, so that what it keeps from an earlier call does not hide a difference.

    Raises:
        FeatureError: a feature of a row differs; the message names it and one row, with both values.
    """
    rows = _rows_to_compare(columns, contract)
    together = code.anew().derive(rows)
    _compare_features(code, together, code.anew().derive(rows), rows, contract, "in a second call")
    used = code.anew()
    for name, chosen in _arrangements(_count(rows)):
        part = {column: array[chosen] for column, array in rows.items()}
        expected = {feature: array[chosen] for feature, array in together.items()}
        for version in (code.anew(), used):  # `used` keeps what it has from the parts before
            _compare_features(code, expected, _derive(version, part, name), part, contract, name)


def check_scores(
    score: Callable[[Columns], Array], columns: Columns, contract: Contract, decision: Decision, tolerance: float
) -> None:
    """Score some rows as `check_features` derives them, and check that each row's scores are the same.

    Raises:
        ModelError: they differ by more than `tolerance`.
    """
    rows = _rows_to_compare(columns, contract)
    together = score(rows)
    for name, chosen in _arrangements(_count(rows)):
        scores = score({column: array[chosen] for column, array in rows.items()})
        difference = describe_difference(scores, together[chosen], decision, tolerance)
        if difference:
            raise ModelError(
                f"model.py: a row's score depends on the rows beside it: {difference} ({name}, instead of all rows "
                "together); a step of the model may use only the row, and what it learnt when it was fitted"
            )


def _rows_to_compare(columns: Columns, contract: Contract) -> Columns:
    """Return evenly spaced rows, and below them a few with every nullable column null."""
    rows = evenly_spaced_rows(columns, max(20, min(_MOST_ROWS, _MOST_VALUES // len(columns))))
    nullable = [name for name, column in contract.columns.items() if column.nullable]
    if not nullable:
        return rows
    nulls = evenly_spaced_rows(rows, _NULL_ROWS)
    for name in nullable:
        nulls[name][:] = null_of(nulls[name])
    return {name: np.concatenate([rows[name], nulls[name]]) for name in rows}


def _arrangements(rows: int) -> Iterator[tuple[str, Array]]:
    """Yield which rows to take, in which order, and what that is called."""
    every = np.arange(rows)
    yield "in reverse order", every[::-1]
    yield "with every second row", every[::2]
    yield "in the second half alone", every[rows // 2 :]
    spaced = np.linspace(0, rows - 1, min(rows, _SINGLE_ROWS)).astype(np.int64)
    for row in np.unique(np.append(spaced, every[-min(rows, _SINGLE_ROWS) :])):
        yield "as a single row", every[row : row + 1]


def _derive(code: FeatureCode, columns: Columns, name: str) -> Columns:
    try:
        return code.derive(columns)
    except FeatureError as failure:
        raise FeatureError(f"{failure} ({name}; all rows together can be derived)") from failure


def _compare_features(
    code: FeatureCode, expected: Columns, derived: Columns, rows: Columns, contract: Contract, name: str
) -> None:
    """Raise an error that names the features that differ, and one row; return if there are none."""
    if expected.keys() != derived.keys():
        only_once = ", ".join(sorted(expected.keys() ^ derived.keys())[:5])
        raise FeatureError(
            f"{code.name}: which features there are depends on the other rows: {only_once} ({name}); return the same "
            "features for any rows; a category as one feature of strings, which the model's pipeline encodes"
        )
    differing = {
        feature: different
        for feature, array in expected.items()
        if (different := _differences(array, derived[feature])).any()
    }
    if not differing:
        return
    feature, different = next(iter(differing.items()))
    row = int(np.flatnonzero(different)[0])
    more = f" (and {len(differing) - 1} more: {', '.join([*differing][1:4])})" if len(differing) > 1 else ""
    (values,) = rows_of_columns({column: array[row : row + 1] for column, array in rows.items()}, contract)
    first = ", ".join(f"{column} {value}" for column, value in [*values.items()][:4])
    cause = "changes from call to call" if name == "in a second call" else "depends on the rows beside it"
    raise FeatureError(
        f"{code.name}: feature {feature}{more} {cause}: {_shown(expected[feature][row])} with all rows together, "
        f"{_shown(derived[feature][row])} {name}, where {first[:150]}; {_ADVICE}"
    )


def _differences(expected: Array, derived: Array) -> Array:
    """Return which values differ, shape `(rows,)`: numbers by more than rounding, texts in any way."""
    if expected.dtype == object or derived.dtype == object:
        return np.asarray(expected != derived)
    finite = np.abs(expected[np.isfinite(expected)])
    scale = float(np.median(finite)) if len(finite) else 0.0
    with np.errstate(invalid="ignore"):
        return ~np.isclose(derived, expected, rtol=_TOLERANCE, atol=_TOLERANCE * scale, equal_nan=True)


def _shown(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else f"{value:.6g}"


def _count(columns: Columns) -> int:
    return len(next(iter(columns.values())))
