"""Turn rows into columns, with the same types and nulls in training, in batch and in the service.

A normalized column is a NumPy array of shape `(rows,)`:

| type                    | array           | a null is |
|-------------------------|-----------------|-----------|
| number, integer         | float32         | NaN       |
| boolean                 | float32, 0 or 1 | NaN       |
| category                | object, of str  | ""        |
| timestamp               | datetime64[us]  | NaT       |

Numbers become float32 everywhere, because an ONNX model gets float32: trees that are trained on the same values have
the same splits.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cd4ml.contract.column import Column
from cd4ml.contract.contract import Contract

_EPOCH = datetime(1970, 1, 1)
_NAT = int(np.iinfo(np.int64).min)

Array: TypeAlias = NDArray[Any]
Columns: TypeAlias = dict[str, Array]


def columns_of_rows(rows: Sequence[Mapping[str, Any]], contract: Contract) -> Columns:
    """Return the columns of rows that keep the contract; a null is None, or a key that is absent."""
    return {name: normalize([row.get(name) for row in rows], column) for name, column in contract.columns.items()}


def normalize(values: Sequence[Any] | Array, column: Column) -> Array:
    """Return a column's values, shape `(rows,)`, in the form that the table above gives for the column's type.

    A null in `values` is None, NaN or NaT.
    """
    if column.type == "category":
        return _category(values)
    if column.type == "timestamp":
        return _timestamp(values)
    if isinstance(values, np.ndarray) and values.dtype != object:
        return values.astype(np.float32)
    return np.array(values, dtype=np.float64).astype(np.float32)  # None becomes NaN


def _category(values: Sequence[Any] | Array) -> Array:
    normalized = np.empty(len(values), dtype=object)
    normalized[:] = [_string(value) for value in values]
    return normalized


def _string(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None or value != value:  # NaN is the one value that differs from itself
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # pandas reads a code such as 7 as 7.0 if another row is null
    return str(value)


def _timestamp(values: Sequence[Any] | Array) -> Array:
    if isinstance(values, np.ndarray) and values.dtype != object:
        return values.astype("datetime64[us]")
    # By their numbers: NumPy itself takes a microsecond for each of Python's times.
    return np.array([_microseconds(value) for value in values], dtype=np.int64).view("datetime64[us]")


def _microseconds(value: Any) -> int:
    """Return a time as NumPy stores it, the microseconds since 1970 in UTC if it has an offset; of NaT for a null."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value) if value else None
    if value is None or value != value:
        return _NAT
    if value.tzinfo is not None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    since = value - _EPOCH
    return int((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)


def evenly_spaced_rows(columns: Columns, maximum: int) -> Columns:
    """Return at most `maximum` rows of columns, evenly spaced from the first to the last."""
    chosen = evenly_spaced(len(next(iter(columns.values()))), maximum)
    return {name: array[chosen] for name, array in columns.items()}


def evenly_spaced(rows: int, maximum: int) -> Array:
    """Return the numbers of at most `maximum` of some rows, evenly spaced from the first to the last."""
    return np.unique(np.linspace(0, rows - 1, min(rows, maximum)).astype(np.int64))


def null_of(array: Array) -> Any:
    """Return what stands for a null in a normalized column."""
    if array.dtype == object:
        return ""
    return np.datetime64("NaT", "us") if array.dtype.kind == "M" else np.nan


def rows_of_columns(columns: Columns, contract: Contract) -> list[dict[str, Any]]:
    """Return normalized columns as rows of JSON values, with None for a null; the inverse of `columns_of_rows`."""
    values = {name: [_json_value(value, contract.columns[name]) for value in array] for name, array in columns.items()}
    return [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]


def _json_value(value: Any, column: Column) -> Any:
    if column.type == "category":
        return value or None
    if column.type == "timestamp":
        if np.isnat(value):
            return None
        text = str(np.datetime_as_string(value, unit="us")).removesuffix(".000000")
        return text + ("Z" if column.timezone else "")
    if value != value:
        return None
    if column.type == "boolean":
        return bool(value)
    if column.type == "integer":
        return int(value)
    shortest = float(str(value))  # 0.1, not 0.10000000149: the shortest decimal that is the same float32
    return min(max(shortest, column.lowest), column.highest)  # rounding may have exceeded a limit
