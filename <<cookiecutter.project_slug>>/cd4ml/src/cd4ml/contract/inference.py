"""Draft the columns of contract.yaml from a table, for a person to edit."""

import json
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cd4ml.contract.column import LARGEST_INTEGER, Column
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import as_strings, parse_column
from cd4ml.contract.text_columns import all_match, any_begins, is_text_type, parsed_numbers

_MOST_VALUES = 30
_COMPACT_DAY, _COMPACT_DAY_DIGITS = "%Y%m%d", r"(?:19|20)\d{6}"
_WORDS_OF_BOOLEANS = ({"true", "false"}, {"yes", "no"}, {"y", "n"}, {"t", "f"}, {"on", "off"})
_DAYS = ("%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%Y/%m/%d", "%Y.%m.%d", "%d-%m-%Y", "%m-%d-%Y", "%m/%d/%y", "%d.%m.%y")
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_WORDS = ("%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%d-%b-%y", "%b %Y", "%B %Y")
_MAYBE_TIME = re.compile(r"\d.*[/.\- ]|[/.\- ].*\d")  # as every format above has digits and such a separator
_CODE = re.compile(r"\s*[+-]?0\d")  # leading zeros
_DIGITS = re.compile(r"\s*[+-]?\d+\s*")
_DRAFTS = (
    Column(type="boolean"),
    Column(type="integer"),
    Column(type="number"),
    Column(type="timestamp"),
    Column(type="timestamp", timezone="UTC"),
)
_ROWS_PER_VALUE = 20  # with fewer rows than this for each value, the values are not listed


@dataclass(frozen=True)
class InferredColumn:
    """A column as its values in a table suggest it."""

    name: str
    column: Column
    remark: str = ""
    """A question to the person who edits the contract, if something about the values is unusual."""

    def line(self) -> str:
        """Return the column as a line under `columns:` in contract.yaml, with its remark as a comment."""
        rules = self.column.model_dump(mode="json", exclude_defaults=True)
        inside = ", ".join(f"{key}: {_yaml(value)}" for key, value in rules.items())
        return f"  {_yaml(self.name)}: {{{inside}}}" + (f" # {self.remark}" if self.remark else "")


def infer_column(series: pd.Series, typed: bool = True) -> InferredColumn:
    """Return what a column's values suggest: type, nulls, a minimum of 0, categories if there are few.

    In a source with types, text is a category, and only integers are of type integer. In a source without types, such
    as CSV, the type is what all values look like. A number with leading zeros is a code, and so a category.
    """
    name, present = str(series.name), _present(series)
    nullable = len(present) < len(series)
    if present.empty:
        return InferredColumn(name, Column(type="category", nullable=True), "empty in every row: leave it out?")
    # What a text means depends on the text alone, so each is looked at once.
    distinct = pd.Series(present.unique(), name=series.name) if is_text_type(present) else present
    if _are_compact_days(distinct):
        return InferredColumn(name, Column(type="timestamp", format=_COMPACT_DAY, nullable=nullable))
    for draft in _DRAFTS:
        if not _is_possible(draft, distinct, typed):
            continue
        values = _parsed(distinct, draft)
        if _all_parsed(values, draft, distinct):
            return InferredColumn(name, _with_minimum(draft, values, nullable), _remark(present, distinct, draft.type))
    if formats := time_formats(distinct):
        column = Column(type="timestamp", format=formats[0], nullable=nullable)
        return InferredColumn(name, column, f"or {formats[1]}?" if len(formats) > 1 else "")
    return InferredColumn(name, _category(present, nullable), _remark(present, distinct, "category"))


def _present(series: pd.Series) -> pd.Series:
    """Return the values of a column that are neither null nor an empty text."""
    is_null = series.isna()
    present = series[~is_null] if is_null.any() else series  # indexing copies
    if _is_number_type(present):
        return present
    is_empty = (present if is_text_type(present) else present.astype(object)) == ""
    return present[~is_empty] if is_empty.any() else present


def _is_number_type(series: pd.Series) -> bool:
    kind = series.dtype
    return bool(pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind))


def _is_possible(draft: Column, present: pd.Series, typed: bool) -> bool:
    """Return whether a column may be of the drafted type, as far as that shows before its values are parsed."""
    if _is_number_type(present):
        return draft.type in ("integer", "number")
    if draft.type == "boolean":  # 0 and 1 are numbers, unless a person decides otherwise
        return _are_boolean_words(present)
    if draft.type not in ("integer", "number"):
        return True
    if is_text_type(present):
        if typed or any_begins(present, _CODE.pattern):
            return False
        return draft.type == "number" or all_match(present, _DIGITS.pattern)
    texts = [value for value in present if isinstance(value, str)]
    return not texts or not (typed or any(map(_CODE.match, texts)))


def _are_boolean_words(present: pd.Series) -> bool:
    first = present.iloc[0]  # most columns of text fail on the first row
    if isinstance(first, str) and not any(first.strip().lower() in words for words in _WORDS_OF_BOOLEANS):
        return False
    spelled = set(as_strings(present).str.strip().str.lower())
    return spelled <= _WORDS_OF_BOOLEANS[0] or spelled in _WORDS_OF_BOOLEANS[1:]


def _parsed(present: pd.Series, draft: Column) -> np.ndarray:
    """Return the values of a column as the drafted type, as `parse_column` does."""
    if draft.type in ("integer", "number") and is_text_type(present):
        numbers = parsed_numbers(present)
        if numbers is not None:
            return numbers
    return parse_column(present, draft)


def _all_parsed(values: np.ndarray, draft: Column, present: pd.Series) -> bool:
    """Return whether all values of a column are of the drafted type, which is a possible one."""
    if draft.type == "boolean":
        return True
    if pd.isna(values).any():
        return False
    return draft.type != "integer" or _all_integers(values, present)


def _all_integers(values: np.ndarray, present: pd.Series) -> bool:
    """Return whether a column has an integer type, or, as text, nothing but digits; a float such as 181.0 is none."""
    if _is_number_type(present):
        of_type = pd.api.types.is_integer_dtype(present.dtype)
    elif is_text_type(present):
        of_type = all_match(present, _DIGITS.pattern)
    else:
        texts = [value for value in present if isinstance(value, str)]
        of_type = (
            all(map(_DIGITS.fullmatch, texts)) if texts else pd.api.types.is_integer_dtype(present.infer_objects())
        )
    return bool(of_type and (np.abs(values) <= LARGEST_INTEGER).all())


def time_formats(present: pd.Series) -> list[str]:
    """Return the formats in which every text of a column is a time; two if day and month could be either."""
    texts = present.unique()
    if not len(texts) or not all(isinstance(text, str) and _MAYBE_TIME.search(text) for text in texts):
        return []
    stripped = pd.Series([text.strip() for text in texts])
    formats = [*(day + clock for clock in _CLOCKS for day in _DAYS), *_WORDS]
    for rows in (1, len(stripped)):  # most formats fail on the first row
        formats = [
            form for form in formats if pd.to_datetime(stripped[:rows], errors="coerce", format=form).notna().all()
        ]
    return formats


def _are_compact_days(present: pd.Series) -> bool:
    """Return whether all values are days such as 20240131, as text or as an integer."""
    if _is_number_type(present) and not present.between(19_000_000, 21_000_000).all():
        return False
    texts = present if is_text_type(present) else as_strings(present)
    if not all_match(texts.astype("str"), _COMPACT_DAY_DIGITS):
        return False
    return bool(pd.to_datetime(pd.Series(texts.unique()), errors="coerce", format=_COMPACT_DAY).notna().all())


def _with_minimum(draft: Column, values: np.ndarray, nullable: bool) -> Column:
    rules = draft.model_dump(exclude_defaults=True)
    if draft.type in ("number", "integer") and values.min() >= 0:
        rules["min"] = 0.0
    return Column(**rules, nullable=nullable)


def _category(present: pd.Series, nullable: bool) -> Column:
    values = sorted(present.astype(str).unique())
    if len(values) <= _MOST_VALUES and len(present) >= _ROWS_PER_VALUE * len(values):
        return Column(type="category", values=values, nullable=nullable)
    return Column(type="category", nullable=nullable)


def _remark(present: pd.Series, distinct: pd.Series, kind: str) -> str:
    different = distinct.nunique() if distinct is present else len(distinct)
    if different == 1:
        return "the same in every row: leave it out?"
    if different == len(present) and kind in ("category", "integer"):
        return "different in every row: is it the id?"
    return ""


def unlisted_columns(table: pd.DataFrame, contract: Contract, typed: bool = True) -> list[InferredColumn]:
    """Return the columns of a table that the contract does not list, in the table's order."""
    listed = contract.table_columns()
    return [infer_column(table[name], typed) for name in table if name not in listed]


def _yaml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list):
        return f"[{', '.join(_yaml(item) for item in value)}]"
    return yaml_string(value) if isinstance(value, str) else str(value)


def yaml_string(text: str) -> str:
    """Return a string as YAML: plain if that is safe, else in double quotes."""
    plain = text.replace("_", "").replace(" ", "").isalnum() and text[0].isalpha() and text.strip() == text
    if plain and text.isascii() and text.lower() not in {"true", "false", "null", "yes", "no", "on", "off"}:
        return text
    return json.dumps(text, ensure_ascii=False)
