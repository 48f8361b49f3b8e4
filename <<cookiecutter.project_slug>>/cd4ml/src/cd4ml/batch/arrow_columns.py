"""Turn Arrow tables into the contract's columns, and find the values that break the contract.

The values are those that `contract.table` makes of a pandas table, and those that the service makes of a request. What
Arrow cannot convert as a whole is converted once for each distinct value, and not for each row.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cd4ml.contract.column import Column
from cd4ml.contract.columns import Array, Columns, normalize
from cd4ml.contract.table import as_strings, parse_column
from cd4ml.errors import DataError
from cd4ml.source.arrow_table import simple_values, source_table
from cd4ml.source.number_text import Decimal, detect_decimal, is_ambiguous, is_number, plain_number


@dataclass(frozen=True)
class TextFormat:
    """How a table writes values as text."""

    null_values: tuple[str, ...] = ()
    """Texts that mean a null, besides the empty one; a number that one of them writes is a null, too."""
    decimal: Decimal | None = None
    """The decimal mark; None: a point, and texts that could have a decimal comma are an error."""


@dataclass(frozen=True)
class BrokenRule:
    """The rows of a table whose value in a column breaks a rule."""

    column: str
    rule: str
    rows: Array
    """Whether each row breaks it, shape `(rows,)`."""


@dataclass(frozen=True)
class _Parsed:
    values: Array
    """In the contract's type, with a null for a value of another type; for a category normalized."""
    unlisted: Array | None = None
    """For a category whether it is none of the contract's, shape `(rows,)`."""


@dataclass
class ContractColumns:
    """The contract's columns of a table, and what breaks the contract in them."""

    columns: Columns = field(default_factory=dict)
    broken: list[BrokenRule] = field(default_factory=list)


def contract_columns(table: pa.Table, columns: dict[str, Column], text: TextFormat) -> ContractColumns:
    """Return the normalized columns of a table, shape `(rows,)` each; a column that the table lacks is all null.

    Raises:
        DataError: texts do not say what their decimal mark is, or bytes are no text.
    """
    result = ContractColumns()
    for name, column in columns.items():
        values = _simple_values(table, name) if name in table.column_names else pa.nulls(table.num_rows)
        is_null = _nulls(values, text)
        if column.type in ("number", "integer"):
            parsed = _Parsed(_numbers(values, is_null, name, text))
        elif column.type == "category":
            parsed = _categories(values, is_null, column)
        elif column.type == "timestamp":
            parsed = _Parsed(_times(values, is_null, column))
        else:
            parsed = _Parsed(_booleans(values, is_null, column))
        result.broken += _broken_rules(name, column, parsed, is_null)
        result.columns[name] = parsed.values if column.type == "category" else normalize(parsed.values, column)
    return result


def _simple_values(table: pa.Table, name: str) -> pa.Array:
    try:
        return simple_values(table.column(name)).combine_chunks()
    except pa.ArrowInvalid as impossible:
        raise DataError(f"the column {name} cannot be read: {impossible}; write bytes as text in UTF-8") from None


def _broken_rules(name: str, column: Column, parsed: _Parsed, is_null: Array) -> Iterator[BrokenRule]:
    rules: list[tuple[str, Array]] = [] if column.nullable else [("not null", is_null)]
    values = parsed.values
    if column.type != "category":
        wrong = (np.isnat(values) if column.type == "timestamp" else np.isnan(values)) & ~is_null
        if column.type == "integer":
            with np.errstate(invalid="ignore"):  # infinity has no remainder
                wrong |= ~is_null & (values % 1 != 0)
        rules.append((column.source_rule, wrong))
    if column.type in ("number", "integer"):
        rules += [(column.minimum_rule, values < column.lowest), (column.maximum_rule, values > column.highest)]
    if parsed.unlisted is not None:
        rules.append((column.values_rule, parsed.unlisted & ~is_null))
    return (BrokenRule(name, rule, rows) for rule, rows in rules if rows.any())


def _nulls(values: pa.Array, text: TextFormat) -> Array:
    """Return which values are null, shape `(rows,)`: NaN, an empty text, and what the source writes for a null."""
    is_null = pc.is_null(values, nan_is_null=True)
    if pa.types.is_string(values.type):
        is_null = pc.or_(is_null, pc.is_in(values, pa.array(["", *text.null_values])))
    elif text.null_values and (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        numbers = [float(entry) for entry in text.null_values if is_number(entry, ".")]
        is_null = pc.or_(is_null, pc.is_in(values.cast(pa.float64(), safe=False), pa.array(numbers, pa.float64())))
    result: Array = is_null.to_numpy(zero_copy_only=False)
    return result


def _without(values: pa.Array, is_null: Array) -> pa.Array:
    return pc.if_else(pa.array(is_null), pa.scalar(None, values.type), values) if is_null.any() else values


def _numbers(values: pa.Array, is_null: Array, name: str, text: TextFormat) -> Array:
    """Return numbers as float64, with NaN for a null and for a value that is no number."""
    values = _without(values, is_null)
    if pa.types.is_temporal(values.type):
        return np.full(len(values), np.nan)
    if not pa.types.is_string(values.type):
        return _floats(values.cast(pa.float64(), safe=False))
    if text.decimal != ",":
        try:
            return _floats(values.cast(pa.float64()))  # all of them as Python writes numbers
        except pa.ArrowInvalid:
            pass
    encoded = values.dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    decimal = _decimal(texts, name, text.decimal)
    plain = [plain_number(entry, decimal) if is_number(entry, decimal) else entry for entry in texts]
    numbers = pd.to_numeric(pd.Series(plain, dtype=object), errors="coerce")  # as in training: "inf" is a number, too
    return _spread(numbers.to_numpy(dtype=np.float64, na_value=np.nan), encoded.indices, np.nan)


def _floats(values: pa.Array) -> Array:
    floats: Array = values.to_numpy(zero_copy_only=False)
    return floats


def _decimal(texts: Sequence[str], name: str, known: Decimal | None) -> Decimal:
    found = detect_decimal(texts)
    if known is not None and found in (None, known):
        return known
    if known is not None or found == ",":
        other = next(entry for entry in texts if "," in entry or "." in entry)
        raise DataError(
            f'"{other}" in {name} has another decimal mark than the first rows; set data.csv.decimal in params.yaml'
        )
    if unclear := next((entry for entry in texts if "," in entry and is_ambiguous(entry)), None):
        raise DataError(
            f'"{unclear}" in {name} may have a decimal comma or separate thousands; set data.csv.decimal in '
            'params.yaml to "," or to "."'
        )
    return "."


def _booleans(values: pa.Array, is_null: Array, column: Column) -> Array:
    values = _without(values, is_null)
    if pa.types.is_boolean(values.type) and column.positive is None:
        return _floats(values.cast(pa.int8()).cast(pa.float64()))
    encoded = _encode(values)
    return _spread(parse_column(_series(encoded.dictionary), column), encoded.indices, np.nan)


def _categories(values: pa.Array, is_null: Array, column: Column) -> _Parsed:
    encoded = _encode(_without(values, is_null))
    texts = normalize(as_strings(_series(encoded.dictionary)).to_numpy(), column)
    unlisted = None
    if column.rejects_unknown:
        listed = {*(column.values or [])}
        unlisted = _spread(np.array([entry not in listed for entry in texts], dtype=bool), encoded.indices, False)
    return _Parsed(_spread(texts, encoded.indices, ""), unlisted)


def _times(values: pa.Array, is_null: Array, column: Column) -> Array:
    values = _without(values, is_null)
    zone = None if column.timezone is None else "UTC"
    if pa.types.is_timestamp(values.type):
        if (values.type.tz is None) != (zone is None):
            return np.full(len(values), np.datetime64("NaT", "us"))
        return _datetimes(values)
    if pa.types.is_string(values.type) and column.format is None:
        try:
            return _datetimes(values.cast(pa.timestamp("us", tz=zone)))  # takes offsets exactly if it has a zone
        except pa.ArrowInvalid:
            pass
    encoded = _encode(values)
    return _spread(parse_column(_series(encoded.dictionary), column), encoded.indices, np.datetime64("NaT", "us"))


def _datetimes(values: pa.Array) -> Array:
    times: Array = values.cast(pa.timestamp("us")).to_numpy(zero_copy_only=False)
    return times


def _encode(values: pa.Array) -> pa.DictionaryArray:
    if pa.types.is_null(values.type):
        values = values.cast(pa.string())
    return values.dictionary_encode()


def _series(distinct: pa.Array) -> pd.Series:
    """Return distinct values as a column of the table that a source of them would be."""
    return source_table(pa.table({"values": distinct})).rows["values"]


def _spread(distinct: Array, indices: pa.Array, null: object) -> Array:
    """Return the value of each row, shape `(rows,)`, from the distinct values; `null` for a row without an index."""
    with_null = np.empty(len(distinct) + 1, dtype=distinct.dtype)
    with_null[:-1], with_null[-1] = distinct, null
    rows: Array = with_null[indices.fill_null(len(distinct)).to_numpy(zero_copy_only=False)]
    return rows
