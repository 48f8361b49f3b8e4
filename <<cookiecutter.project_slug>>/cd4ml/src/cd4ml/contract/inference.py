"""Draft the columns of contract.yaml from a table, for a person to edit."""

import json
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cd4ml.contract.column import LARGEST_INTEGER, Column
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import as_strings, parse_column
from cd4ml.contract.text_columns import all_match, any_begins, distinct_texts, is_text_type, parsed_numbers

_MOST_VALUES = 30
_COMPACT_DAY, _COMPACT_DAY_DIGITS = "%Y%m%d", r"(?:19|20)\d{6}"
_WORDS_OF_BOOLEANS = ({"true", "false"}, {"yes", "no"}, {"y", "n"}, {"t", "f"}, {"on", "off"})
_DAYS = ("%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%Y/%m/%d", "%Y.%m.%d", "%d-%m-%Y", "%m-%d-%Y", "%m/%d/%y", "%d.%m.%y")
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_WORDS = ("%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%d-%b-%y", "%b %Y", "%B %Y")
_MAYBE_TIME = re.compile(r"\d.*[/.\-\s]|[/.\-\s].*\d", re.DOTALL)  # every format above has digits and a separator
_HAS_DIGIT = r"(?s:.*\d.*)"
_CODE = re.compile(r"\s*[+-]?0\d")  # leading zeros
_DIGITS = re.compile(r"\s*[+-]?\d+\s*")
_DRAFTS = (
    Column(type="integer"),
    Column(type="number"),
    Column(type="timestamp"),
    Column(type="timestamp", timezone="UTC"),
)
_NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")  # JSON has them as they are, and YAML cannot
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
    name, (present, rows) = str(series.name), _present(series)
    nullable = rows < len(series)
    if not rows:
        return InferredColumn(name, Column(type="category", nullable=True), "empty in every row: leave it out?")
    if _are_compact_days(present):
        return InferredColumn(name, Column(type="timestamp", format=_COMPACT_DAY, nullable=nullable))
    if _are_boolean_words(present):
        return InferredColumn(name, Column(type="boolean", nullable=nullable), _remark(present, rows, "boolean"))
    for draft in _DRAFTS:
        if not _is_possible(draft, present, typed):
            continue
        values = _parsed(present, draft)
        if not pd.isna(values).any() and (draft.type != "integer" or np.abs(values).max() <= LARGEST_INTEGER):
            return InferredColumn(name, _with_minimum(draft, values, nullable), _remark(present, rows, draft.type))
    if formats := time_formats(present):
        column = Column(type="timestamp", format=formats[0], nullable=nullable)
        return InferredColumn(name, column, f"or {formats[1]}?" if len(formats) > 1 else "")
    return InferredColumn(name, _category(present, rows, nullable), _remark(present, rows, "category"))


def _present(series: pd.Series) -> tuple[pd.Series, int]:
    """Return the values of a column that are neither null nor an empty text, and the number of rows that have one.

    A text is returned once, however many rows have it, because what it means depends on the text alone.
    """
    if is_text_type(series):
        return distinct_texts(series)
    is_null = series.isna()
    present = series[~is_null] if is_null.any() else series  # indexing copies
    if not _is_number_type(present):
        present = present[present.astype(object) != ""]
    return present, len(present)


def _is_number_type(series: pd.Series) -> bool:
    kind = series.dtype
    return bool(pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind))


def _is_possible(draft: Column, present: pd.Series, typed: bool) -> bool:
    """Return whether a column may be of the drafted type, as far as that shows before its values are parsed."""
    if _is_number_type(present):
        return draft.type == "number" or (draft.type == "integer" and pd.api.types.is_integer_dtype(present.dtype))
    if draft.type == "timestamp":
        return not is_text_type(present) or all_match(present, _HAS_DIGIT)  # pandas reads "now" as the time of reading
    if is_text_type(present):
        as_integers = draft.type == "number" or all_match(present, _DIGITS.pattern)
        return as_integers and not typed and not any_begins(present, _CODE.pattern)
    texts = [value for value in present if isinstance(value, str)]
    if not texts:
        return draft.type == "number" or pd.api.types.is_integer_dtype(present.infer_objects())
    as_integers = draft.type == "number" or all(map(_DIGITS.fullmatch, texts))
    return as_integers and not typed and not any(map(_CODE.match, texts))


def _are_boolean_words(present: pd.Series) -> bool:
    """Return whether a column is a boolean. 0 and 1 are numbers, unless a person decides otherwise."""
    if _is_number_type(present):
        return False
    first = present.iloc[0]  # most columns of text fail on the first row
    if isinstance(first, str) and not any(first.strip().lower() in words for words in _WORDS_OF_BOOLEANS):
        return False
    as_texts = present if is_text_type(present) else as_strings(present)
    spelled = {text.strip().lower() for text in as_texts}
    return spelled <= _WORDS_OF_BOOLEANS[0] or spelled in _WORDS_OF_BOOLEANS[1:]


def _parsed(present: pd.Series, draft: Column) -> np.ndarray:
    """Return the values of a column as the drafted type, as `parse_column` does."""
    if draft.type in ("integer", "number") and is_text_type(present):
        numbers = parsed_numbers(present)
        if numbers is not None:
            return numbers
    return parse_column(present, draft)


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
    texts = present if is_text_type(present) else as_strings(present).astype("str")
    if not all_match(texts, _COMPACT_DAY_DIGITS):
        return False
    return bool(pd.to_datetime(pd.Series(texts.unique()), errors="coerce", format=_COMPACT_DAY).notna().all())


def _with_minimum(draft: Column, values: np.ndarray, nullable: bool) -> Column:
    rules = draft.model_dump(exclude_defaults=True)
    if draft.type in ("number", "integer") and values.min() >= 0:
        rules["min"] = 0.0
    return Column(**rules, nullable=nullable)


def _category(present: pd.Series, rows: int, nullable: bool) -> Column:
    values = sorted(present.astype(str).unique())
    if len(values) <= _MOST_VALUES and rows >= _ROWS_PER_VALUE * len(values):
        return Column(type="category", values=values, nullable=nullable)
    return Column(type="category", nullable=nullable)


def _remark(present: pd.Series, rows: int, kind: str) -> str:
    different = len(present) if is_text_type(present) else present.nunique()
    if different == 1:
        return "the same in every row: leave it out?"
    if different == rows and kind in ("category", "integer"):
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
    return _NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))
