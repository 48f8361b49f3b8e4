"""Turn the values of a source into those of the contract: categories and ids as text, numbers as numbers."""

from collections.abc import Hashable
from typing import Literal

import pandas as pd

from cd4ml.contract.column import Column
from cd4ml.contract.contract import Contract
from cd4ml.contract.row_key import ROW_KEY, WHOLE_FLOAT, row_keys
from cd4ml.contract.table import as_strings, parse_column
from cd4ml.errors import DataError
from cd4ml.settings.params import DataParams
from cd4ml.source.arrow_table import SourceTable
from cd4ml.source.number_text import (
    Decimal,
    are_plain_numbers,
    detect_decimal,
    is_ambiguous,
    is_number,
    plain_numbers,
    point_evidence,
)
from cd4ml.terminal.output import report


def with_nulls(source: SourceTable, null_values: list[str]) -> SourceTable:
    """Return the rows with a null in place of each text that means one, and of each number that it writes."""
    if not source.typed and not null_values:
        return source  # a CSV file's empty fields are nulls already
    nulls = {"", *null_values}
    numbers = [float(text) for text in null_values if is_number(text, ".")]
    rows = source.rows.copy(deep=False)
    for name in rows:
        if _is_text(rows[name]):
            is_null = rows[name].isin(nulls)
        elif numbers and pd.api.types.is_numeric_dtype(rows[name].dtype):
            is_null = rows[name].isin(numbers)
        else:
            continue
        if is_null.any():
            rows[name] = rows[name].mask(is_null, None)
    return SourceTable(rows, source.typed, source.unusable)


def contract_values(source: SourceTable, contract: Contract, params: DataParams) -> pd.DataFrame:
    """Return the columns of a source that the contract names, in the contract's order, in the contract's types.

    A category and the id become strings: an integer's text is its digits, in every source. Texts of a number become
    numbers, with the decimal mark of `data.csv.decimal`, or the one on which all of them agree. Values that are of
    another type are kept for validation to report. Without a time in the contract there is a column `ROW_KEY`, too.

    Raises:
        DataError: a column cannot be used; a decimal mark cannot be decided; one code is written in two ways.
    """
    rows, listed = source.rows, contract.table_columns()
    for name in listed:
        if name in source.unusable:
            raise DataError(f"the source's column {name} holds {source.unusable[name]}; leave it out of contract.yaml")
    present = [name for name in listed if name in rows]
    numeric = [name for name in present if listed[name].type in ("number", "integer")]
    decimal = choose_decimal(rows[numeric], params.csv.decimal)
    columns = {}
    for name in present:
        match listed[name].type:
            case "category":
                columns[name] = _codes(rows[name])
            case "number" | "integer":
                columns[name] = _numbers(rows[name], decimal)
            case "boolean":
                columns[name] = _booleans(rows[name], listed[name])
            case "timestamp":
                columns[name] = _timestamps(rows[name], listed[name])
    table = pd.DataFrame(columns, index=rows.index)
    if contract.time is None:
        table[ROW_KEY] = rows[ROW_KEY] if ROW_KEY in rows else row_keys(rows, contract.group or contract.id)
    return table


def with_plain_numbers(source: SourceTable, params: DataParams) -> SourceTable:
    """Return a source without types with its numbers as Python writes them, to draft a contract from.

    A column is taken for numbers if all of its texts are, with the decimal mark on which these columns agree.
    """
    if source.typed:
        return source
    rows = source.rows.copy(deep=False)
    plain = {name for name in rows if are_plain_numbers(rows[name])}
    numeric = [name for name in rows if name in plain or _are_numbers(_texts(rows[name]))]
    decimal = choose_decimal(rows[numeric], params.csv.decimal, plain)
    for name in numeric:
        if decimal != "." or name not in plain:
            rows[name] = plain_numbers(rows[name], decimal)
    return SourceTable(rows, source.typed, source.unusable)


def _are_numbers(texts: list[str]) -> bool:
    """Return whether all texts are numbers, with one of both decimal marks."""
    marks: tuple[Decimal, Decimal] = (".", ",")
    return any(all(is_number(text, mark) for text in texts) for mark in marks)


def choose_decimal(
    columns: pd.DataFrame, setting: Literal["auto", ".", ","], plain: set[Hashable] | None = None
) -> Decimal:
    """Return the decimal mark of columns of numbers; reports a comma.

    `plain` names the columns for which `are_plain_numbers`, if that is known.

    Raises:
        DataError: the texts do not say which it is, and `data.csv.decimal` does not either.
    """
    if setting != "auto":
        return setting
    if plain is None:
        plain = {name for name in columns if are_plain_numbers(columns[name])}
    texts = _texts_with_a_mark(columns, plain)
    decimal = detect_decimal(texts)
    if decimal is None and (unclear := next((text for text in texts if "," in text and is_ambiguous(text)), None)):
        raise DataError(
            f'"{unclear}" may have a decimal comma or separate thousands; set data.csv.decimal in params.yaml to "," '
            'or to "."'
        )
    if decimal == ",":
        report("numbers have decimal commas")
    return decimal or "."


def _texts_with_a_mark(columns: pd.DataFrame, plain: set[Hashable]) -> list[str]:
    """Return the texts that may decide the decimal mark, in order; of columns of plain numbers the first that does."""
    texts: list[str] = []
    point: str | None = None
    for name in columns:
        series = columns[name]
        if not _is_text(series):
            continue
        if name not in plain:
            texts += _texts(series)
        elif point is None and (point := point_evidence(series)):
            texts.append(point)
    return texts


def _codes(series: pd.Series) -> pd.Series:
    """Return a column of codes as strings.

    Raises:
        DataError: a code is written both as an integer and as a float, such as 7 and 7.0.
    """
    texts = as_strings(series)
    values = set(texts.dropna().unique())
    for value in values:
        whole = WHOLE_FLOAT.fullmatch(value)
        if whole and whole[1] in values:
            raise DataError(
                f'the source writes one code of {series.name} as "{whole[1]}" and as "{value}"; write it in one way'
            )
    return texts


def _numbers(series: pd.Series, decimal: Decimal) -> pd.Series:
    """Return a column with its texts as numbers; as it is if one of them is no number."""
    if not _is_text(series):
        return series
    if decimal == "." and are_plain_numbers(series):
        plain: pd.Series = pd.to_numeric(series).astype("float64")
        return plain
    texts = series.map(lambda value: value if isinstance(value, str) else repr(value), na_action="ignore")
    if not all(is_number(text, decimal) for text in _texts(series)):
        return plain_numbers(texts, decimal)
    numbers: pd.Series = pd.to_numeric(plain_numbers(texts, decimal)).astype("float64")
    return numbers


def _booleans(series: pd.Series, column: Column) -> pd.Series:
    """Return a column with its texts or numbers as booleans; as it is if one of them is no boolean.

    The two values of a target may be numbers, which the contract has as Python writes them.
    """
    marks: tuple[Decimal | None, ...] = (None, ",", ".") if _is_text(series) else (None,)
    for mark in marks:
        written = series if mark is None else plain_numbers(as_strings(series), mark)
        parsed = pd.Series(parse_column(written, column), index=series.index)
        if not (parsed.isna() & series.notna()).any():
            return parsed.astype("boolean")
    return series


def _timestamps(series: pd.Series, column: Column) -> pd.Series:
    """Return a column of a format as times; as it is if it has none, or if one value is of another format."""
    if column.format is None or pd.api.types.is_datetime64_any_dtype(series.dtype):
        return series
    times = pd.DatetimeIndex(parse_column(series, column))
    if (times.isna() & series.notna().to_numpy()).any():
        return series
    return pd.Series(times.tz_localize("UTC") if column.timezone else times, index=series.index)


def _is_text(series: pd.Series) -> bool:
    return bool(pd.api.types.is_object_dtype(series.dtype) or pd.api.types.is_string_dtype(series.dtype))


def _texts(series: pd.Series) -> list[str]:
    return [value for value in series.dropna().unique() if isinstance(value, str)]
