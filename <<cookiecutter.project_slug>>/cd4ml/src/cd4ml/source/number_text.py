"""Read numbers that are written as text: decimal commas, thousands separators, currency and percent signs."""

import re
from collections.abc import Iterable
from typing import Literal

import numpy as np
import pandas as pd

from cd4ml.contract.text_columns import all_match, first_mismatch, is_text_type, parsed_numbers
from cd4ml.errors import DataError

Decimal = Literal[".", ","]

_DECORATION = re.compile(r"^\s*[$€£¥]?\s*([+-]?)\s*[$€£¥]?\s*|\s*[$€£¥%]?\s*$")
_EXPONENT = r"(?:[eE][+-]?\d+)?"
_PLAIN = {
    ".": re.compile(rf"[+-]?(?:\d+(?:\.\d*)?|\.\d+){_EXPONENT}"),
    ",": re.compile(rf"[+-]?(?:\d+(?:,\d*)?|,\d+){_EXPONENT}"),
}
_GROUPED = {
    ".": re.compile(r"[+-]?\d{1,3}(?:(?P<mark>[, '\u2019\u00a0\u202f])\d{3})(?:(?P=mark)\d{3})*(?:\.\d+)?"),
    ",": re.compile(r"[+-]?\d{1,3}(?:(?P<mark>[. '\u2019\u00a0\u202f])\d{3})(?:(?P=mark)\d{3})*(?:,\d+)?"),
}
_PLAIN_IN_BOTH = r"[^.]*|[+-]?\d{1,3}\.\d{3}"  # of plain numbers with a decimal point: with a comma, 1.234 is 1234
_MARKS = re.compile("[ '\u2019\u00a0\u202f]")


def detect_decimal(texts: Iterable[str]) -> Decimal | None:
    """Return the decimal mark with which all of these texts that could be numbers agree; None if both would do.

    Raises:
        DataError: both marks are in use.
    """
    only: dict[Decimal, str] = {}
    for text in texts:
        if "," not in text and "." not in text:
            continue
        bare = _DECORATION.sub(r"\1", text)
        point, comma = _reads(bare, "."), _reads(bare, ",")
        if point and not comma:
            only.setdefault(".", text)
        elif comma and not point:
            only.setdefault(",", text)
    if len(only) == 2:
        raise DataError(f'"{only["."]}" has a decimal point and "{only[","]}" a decimal comma; write all in one way')
    return next(iter(only), None)


def are_plain_numbers(series: pd.Series) -> bool:
    """Return whether all texts of a column are numbers with a decimal point as Python writes them.

    Most columns of numbers are, and this is much faster than `is_number` for each text.
    """
    if not is_text_type(series):
        return False
    numbers = parsed_numbers(series)
    if numbers is not None and np.isfinite(numbers[series.notna()]).all():
        return True
    return all_match(series, _PLAIN["."].pattern)


def point_evidence(series: pd.Series) -> str | None:
    """Return the first text of a column of plain numbers that cannot have a decimal comma; None if all of them can."""
    return first_mismatch(series, _PLAIN_IN_BOTH)


def is_number(text: str, decimal: Decimal) -> bool:
    """Return whether a text is a number with this decimal mark."""
    return _reads(_DECORATION.sub(r"\1", text), decimal)


def is_ambiguous(text: str) -> bool:
    """Return whether a text is one number with a decimal point and another with a decimal comma, as 1,234 is."""
    bare = _DECORATION.sub(r"\1", text)
    return _reads(bare, ".") and _reads(bare, ",") and ("," in bare or "." in bare)


def plain_number(text: str, decimal: Decimal) -> str:
    """Return a number as Python writes it; a text that is no number with this decimal mark as it is."""
    bare = _DECORATION.sub(r"\1", text)
    if not _reads(bare, decimal):
        return text
    group = "," if decimal == "." else "."
    return _MARKS.sub("", bare).replace(group, "").replace(decimal, ".")


def plain_numbers(series: pd.Series, decimal: Decimal) -> pd.Series:
    """Return a column of texts with its numbers as Python writes them; other texts and nulls as they are."""
    if decimal == "." and are_plain_numbers(series):
        return series
    translated = {text: plain_number(text, decimal) for text in series.dropna().unique()}
    return series.map(translated)


def _reads(bare: str, decimal: Decimal) -> bool:
    return bool(_PLAIN[decimal].fullmatch(bare) or _GROUPED[decimal].fullmatch(bare))
