"""Read and write tables, and turn a pandas table into the contract's columns."""

from datetime import date
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from cd4ml.contract.column import Column
from cd4ml.contract.columns import Array, Columns, normalize
from cd4ml.contract.contract import Contract
from cd4ml.errors import DataError
from cd4ml.files.atomic import replacing
from cd4ml.settings.paths import explain_missing

_OFFSET = r"[T ].*(?:Z|[+-]\d{2}(?::?\d{2})?)$"
_TRUE, _FALSE = ("true", "yes", "y", "t", "on", "1", "1.0"), ("false", "no", "n", "f", "off", "0", "0.0")
_BOOLEANS = dict.fromkeys(_TRUE, 1.0) | dict.fromkeys(_FALSE, 0.0)
_EPOCHS: dict[str | None, Literal["s", "ms"]] = {"epoch_s": "s", "epoch_ms": "ms"}


def read_table(path: Path) -> pd.DataFrame:
    """Return a table that a stage has written.

    Raises:
        DataError: the file does not exist, or cannot be read.
    """
    try:
        return pd.read_parquet(path)
    except FileNotFoundError:
        raise DataError(explain_missing(path)) from None
    except (OSError, ValueError) as failure:  # pyarrow's and pandas' own errors derive from these
        raise DataError(f"{path} cannot be read: {str(failure).splitlines()[0]}; replace the file") from None


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as Parquet, whole or not at all; the same table gives the same bytes."""
    with replacing(path) as temporary:
        table.to_parquet(temporary, index=False, compression="zstd")


def columns_of_table(table: pd.DataFrame, contract: Contract) -> Columns:
    """Return the contract's columns of a table that keeps the contract, normalized as in the service."""
    return {name: normalize(parse_column(table[name], column), column) for name, column in contract.columns.items()}


def target_of_table(table: pd.DataFrame, contract: Contract) -> Array:
    """Return the target, shape `(rows,)`: 0 or 1 as int64, categories as str objects, numbers as float64."""
    values = parse_column(table[contract.target.name], contract.target.column)
    if contract.target.type == "boolean":
        return values.astype(np.int64)
    if contract.target.type == "category":
        return normalize(values, contract.target.column)
    return values.astype(np.float64)


def groups_of_table(table: pd.DataFrame, contract: Contract) -> Array | None:
    """Return what each row belongs to, shape `(rows,)`; None if the contract names no group."""
    return None if contract.group is None else table[contract.group].to_numpy()


def times_of_table(table: pd.DataFrame, contract: Contract) -> Array | None:
    """Return each row's time, shape `(rows,)`, datetime64[us]; None if the contract names no time."""
    if contract.time is None:
        return None
    return parse_column(table[contract.time], contract.table_columns()[contract.time])


def parse_column(series: pd.Series, column: Column) -> Array:
    """Return a table's column as the contract's type, before it is normalized; a value of another type becomes a null.

    Numbers and booleans become float64 with NaN, categories objects with None, timestamps datetime64[us] with NaT.
    Strings are parsed, since a CSV file has no types.
    """
    if column.type in ("number", "integer"):
        if pd.api.types.is_datetime64_any_dtype(series.dtype):
            return np.full(len(series), np.nan)  # pandas would convert it to nanoseconds
        return pd.to_numeric(series, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    if column.type == "boolean":
        texts = as_strings(series)
        if column.positive is not None:  # ingest has written booleans, in which true is the positive one
            meanings = {"true": 1.0, "false": 0.0, column.positive: 1.0, column.negative: 0.0}
            return texts.map(meanings).to_numpy(dtype=np.float64, na_value=np.nan)
        return texts.str.strip().str.lower().map(_BOOLEANS).to_numpy(dtype=np.float64, na_value=np.nan)
    if column.type == "timestamp":
        return _parse_times(series, column)
    return series.astype(object).where(series.notna(), None).to_numpy(dtype=object)


def as_strings(series: pd.Series) -> pd.Series:
    """Return a column's values as strings, with None for a null: an integer's string is its digits, in every source."""
    present = series.notna()
    if isinstance(series.dtype, pd.StringDtype):
        return series.astype(object).where(present, None)
    texts = series.astype(object).where(present, None)
    return texts.map(_string, na_action="ignore").astype(object).where(present, None)


def _string(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if isinstance(value, date) else str(value)


def _parse_times(series: pd.Series, column: Column) -> Array:
    """Return times as written, or in UTC if the column has a timezone.

    NaT for a time that lacks the offset which a timezone needs, and for one with an offset that is not expected.
    """
    with_offset = column.timezone is not None
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        if (getattr(series.dtype, "tz", None) is not None) != with_offset:
            return np.full(len(series), np.datetime64("NaT", "us"), dtype="datetime64[us]")
        parsed = series
    elif column.format in _EPOCHS:
        numbers = pd.to_numeric(series, errors="coerce").astype("float64")
        parsed = pd.to_datetime(numbers, errors="coerce", unit=_EPOCHS[column.format], utc=with_offset)
    elif column.format is not None:
        strings = as_strings(series).where(series.notna(), "").astype(str).str.strip()
        parsed = pd.to_datetime(strings, errors="coerce", format=column.format, utc=with_offset)
    else:
        strings = series.astype(object).where(series.notna(), "").astype(str)
        expected = strings.str.contains(_OFFSET) == with_offset
        parsed = pd.to_datetime(strings.where(expected), errors="coerce", format="ISO8601", utc=with_offset)
    if with_offset:
        parsed = parsed.dt.tz_convert("UTC").dt.tz_localize(None)
    return parsed.to_numpy(dtype="datetime64[us]")
