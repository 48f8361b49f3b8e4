"""Tables on disk and in memory: the one place that turns a pandas table into the contract's columns."""

from pathlib import Path

import numpy as np
import pandas as pd

from cd4ml.contract.column import Column
from cd4ml.contract.columns import Array, Columns, normalize
from cd4ml.contract.contract import Contract
from cd4ml.errors import DataError
from cd4ml.files.atomic import replacing

_OFFSET = r"[T ].*(?:Z|[+-]\d{2}(?::?\d{2})?)$"
_BOOLEANS = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}


def read_table(path: Path, shown: str | None = None) -> pd.DataFrame:
    """Return a Parquet or CSV file as a table; `shown` is its name for people, where that is another.

    Raises:
        DataError: the file is absent, of another kind, or cannot be read.
    """
    try:
        match path.suffix:
            case ".parquet":
                return pd.read_parquet(path)
            case ".csv":
                return pd.read_csv(path, low_memory=False)
    except FileNotFoundError:
        raise DataError(f"{path} is not here; run `make train`, which makes it") from None
    except (OSError, ValueError) as broken:  # pyarrow's and pandas' own errors derive from these
        raise DataError(f"{shown or path} cannot be read: {str(broken).splitlines()[0]}; replace the file") from None
    raise DataError(f"{shown or path} is neither .parquet nor .csv; convert it to one of them")


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a Parquet file, whole or not at all; the same table gives the same bytes."""
    with replacing(path) as temporary:
        table.to_parquet(temporary, index=False, compression="zstd")


def columns_of_table(table: pd.DataFrame, contract: Contract) -> Columns:
    """Return the contract's columns of a table that keeps it, normalized as for serving."""
    return {name: normalize(parse_column(table[name], column), column) for name, column in contract.columns.items()}


def target_of_table(table: pd.DataFrame, contract: Contract) -> Array:
    """Return what is to be predicted, shape `(rows,)`: int64 0 or 1, str objects, or float64."""
    values = parse_column(table[contract.target.name], contract.target.column)
    if contract.target.type == "boolean":
        return values.astype(np.int64)
    if contract.target.type == "category":
        return normalize(values, contract.target.column)
    return values.astype(np.float64)


def times_of_table(table: pd.DataFrame, contract: Contract) -> Array | None:
    """Return when each row was, shape `(rows,)`, datetime64[us]; None where the contract names no time."""
    if contract.time is None:
        return None
    return parse_column(table[contract.time], contract.rules()[contract.time])


def parse_column(series: pd.Series, column: Column) -> Array:
    """Return a table's column as the contract's type, before it is normalized: what cannot be read becomes a null.

    Numbers and booleans come back as float64 with NaN, categories as objects with None, timestamps as datetime64[us].
    Text that reads as the type is taken for it, since CSV knows nothing but text.
    """
    if column.type in ("number", "integer"):
        if pd.api.types.is_datetime64_any_dtype(series.dtype):
            return np.full(len(series), np.nan)  # pandas would count nanoseconds
        return pd.to_numeric(series, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    if column.type == "boolean":
        texts = series.astype(object).map(lambda value: None if pd.isna(value) else str(value).lower())
        return texts.map(_BOOLEANS).to_numpy(dtype=np.float64, na_value=np.nan)
    if column.type == "timestamp":
        return _timestamps(series, column)
    return series.astype(object).where(series.notna(), None).to_numpy(dtype=object)


def _timestamps(series: pd.Series, column: Column) -> Array:
    """Return times as written, or in UTC where the contract says so; an offset that it does not expect makes a NaT."""
    with_offset = column.timezone is not None
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        if (getattr(series.dtype, "tz", None) is not None) != with_offset:
            return np.full(len(series), np.datetime64("NaT", "us"), dtype="datetime64[us]")
        parsed = series
    else:
        texts = series.astype(object).where(series.notna(), "").astype(str)
        as_agreed = texts.str.contains(_OFFSET) == with_offset
        parsed = pd.to_datetime(texts.where(as_agreed), errors="coerce", format="ISO8601", utc=with_offset)
    if with_offset:
        parsed = parsed.dt.tz_convert("UTC").dt.tz_localize(None)
    return parsed.to_numpy(dtype="datetime64[us]")
