"""Arrow tables of a source as pandas tables in which every value is kept exactly."""

from collections import Counter
from dataclasses import dataclass, field

import pandas as pd
import pyarrow as pa

from cd4ml.contract.contract import normalize_name
from cd4ml.errors import DataError

_EXACT = {
    pa.int8(): pd.Int8Dtype(), pa.int16(): pd.Int16Dtype(), pa.int32(): pd.Int32Dtype(), pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(), pa.uint16(): pd.UInt16Dtype(), pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(), pa.bool_(): pd.BooleanDtype(),
}  # fmt: skip
_INT64_DIGITS = 18


@dataclass(frozen=True)
class SourceTable:
    """The rows of a source."""

    rows: pd.DataFrame
    typed: bool = True
    """Whether the source has types, as Parquet files and databases do. The values of a CSV file are all strings."""
    unusable: dict[str, str] = field(default_factory=dict)
    """Columns that are left out, and what they hold."""


def source_table(table: pa.Table, typed: bool = True) -> SourceTable:
    """Return an Arrow table as a pandas table.

    Integers stay integers also beside nulls. Decimals become floats, durations seconds, times of day text; all times
    with an offset are in UTC. Names of columns are in Unicode's form NFC.

    Raises:
        DataError: two columns have the same name.
    """
    columns: dict[str, pa.ChunkedArray] = {}
    unusable = {}
    for name, values in zip(normalized_names(table.column_names), table.columns, strict=True):
        if (kind := unusable_kind(values.type)) is None:
            columns[name] = simple_values(values)
        else:
            unusable[name] = kind
    return SourceTable(pa.table(columns).to_pandas(types_mapper=_EXACT.get, ignore_metadata=True), typed, unusable)


def joined(tables: list[SourceTable]) -> SourceTable:
    """Return tables, one below the other, as one table with types if one of them has. Columns are matched by name."""
    if len(tables) == 1:
        return tables[0]
    frames = [table.rows for table in tables]
    rows = pd.concat([_as_objects(frame, frames) for frame in frames], ignore_index=True)
    unusable = {name: kind for table in tables for name, kind in table.unusable.items()}
    typed = any(table.typed for table in tables)
    return SourceTable(rows.drop(columns=[name for name in unusable if name in rows]), typed, unusable)


def normalized_names(names: list[str]) -> list[str]:
    """Return names of columns in Unicode's form NFC.

    Raises:
        DataError: two of them are equal.
    """
    normalized = [normalize_name(name) for name in names]
    repeated = [name for name, count in Counter(normalized).items() if count > 1]
    if repeated:
        raise DataError(f'two columns are named "{repeated[0]}"; rename one of them')
    return normalized


def unusable_kind(kind: pa.DataType) -> str | None:
    """Return what a column holds that no column of a contract can hold; None for every other one."""
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return "lists"
    if pa.types.is_struct(kind) or pa.types.is_map(kind) or pa.types.is_union(kind):
        return "nested values"
    return "bytes" if pa.types.is_fixed_size_binary(kind) else None


def simple_values(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column as one of the types that a contract knows."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return simple_values(values.cast(kind.value_type))
    if pa.types.is_decimal(kind):
        return values.cast(pa.int64() if kind.scale == 0 and kind.precision <= _INT64_DIGITS else pa.float64())
    if pa.types.is_duration(kind):
        seconds = values.cast(pa.duration("us"), safe=False).cast(pa.int64()).to_pandas() / 1e6
        return pa.chunked_array([pa.array(seconds, from_pandas=True)])
    if pa.types.is_float16(kind):
        return values.cast(pa.float32())
    if pa.types.is_time(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return values.cast(pa.string())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return values.cast(pa.string())
    if pa.types.is_date(kind):
        return values.cast(pa.timestamp("us"))
    if pa.types.is_timestamp(kind):
        return values.cast(pa.timestamp("us", tz="UTC" if kind.tz else None), safe=False)
    return values


def _as_objects(frame: pd.DataFrame, frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Return a table in which a column that has another type elsewhere holds Python's own values.

    Joined as they are, integers and floats would become floats, which cannot hold nineteen digits.
    """
    mixed = [name for name in frame if len({str(other[name].dtype) for other in frames if name in other}) > 1]
    return frame.astype(dict.fromkeys(mixed, object))
