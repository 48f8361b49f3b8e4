"""A key for each row that depends on that row alone: it decides whether the row is in the test set."""

import hashlib
import re
from collections.abc import Iterable

import pandas as pd

from cd4ml.contract.columns import Array
from cd4ml.contract.table import as_strings
from cd4ml.contract.text_columns import is_text_type

ROW_KEY = "cd4ml_row"
"""The column of data/raw.parquet that holds the keys, if the contract names no time."""
WHOLE_FLOAT = re.compile(r"([+-]?\d+)\.0+")


def row_keys(rows: pd.DataFrame, identity: str | None) -> pd.Series:
    """Return the key of each row: the hash of its id, or else of all its values that are not null.

    It depends neither on the contract nor on the type that a file or another row gives to a column: 7 and 7.0 are the
    same. It changes if the row's own values change, and if a new column has a value for the row.
    """
    names = [identity] if identity in rows else sorted(str(name) for name in rows)
    texts = [_as_written(rows[name]) for name in names]
    keys = []
    for values in zip(*texts, strict=True):
        named = [f"{name}={value}" for name, value in zip(names, values, strict=True) if value is not None]
        keys.append(hashlib.blake2b("\0".join(named).encode(), digest_size=8).hexdigest())
    return pd.Series(keys, index=rows.index, dtype=object)


def positions(keys: pd.Series) -> Array:
    """Return where each key lies between 0 and 1, shape `(rows,)`: they are spread evenly."""
    numbers: Array = keys.map(lambda key: int(str(key), 16)).to_numpy(dtype="float64")
    return numbers / 2**64


def _as_written(series: pd.Series) -> Iterable[str | None]:
    """Return strings in which a whole number is its digits, however its file writes it."""
    if series.dtype == "float64":  # as below, in a third of the time
        return [None if x != x else str(int(x)) if x.is_integer() else str(x) for x in series.tolist()]
    if is_text_type(series):
        return _with_digits(series.astype(object).where(series.notna(), None))
    return _with_digits(as_strings(series))


def _with_digits(texts: pd.Series) -> Iterable[str | None]:
    digits = {text: whole[1] for text in texts.dropna().unique() if (whole := WHOLE_FLOAT.fullmatch(text))}
    if not digits:
        return list(texts)
    return [None if text is None else digits.get(text, text) for text in texts]
