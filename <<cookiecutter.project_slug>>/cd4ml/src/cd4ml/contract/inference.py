"""What a table's columns look like, as lines of contract.yaml: a first draft for a person to edit."""

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cd4ml.contract.column import LARGEST_INTEGER, Column
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import parse_column

_MOST_VALUES = 30
_ROWS_A_VALUE = 20  # fewer rows than this for each value: rather a text than a list of categories


@dataclass(frozen=True)
class Inferred:
    """A column that the contract does not name, and what its values suggest."""

    name: str
    column: Column
    remark: str = ""
    """What a person should think about, where something looks odd."""

    def line(self) -> str:
        """Return the column as a line below `columns:`, its remark as a comment."""
        rules = self.column.model_dump(mode="json", exclude_defaults=True)
        inside = ", ".join(f"{key}: {_yaml(value)}" for key, value in rules.items())
        return f"  {_yaml(self.name)}: {{{inside}}}" + (f" # {self.remark}" if self.remark else "")


def infer(series: pd.Series) -> Inferred:
    """Return what a column's values suggest: type, nulls, whether it can be negative, few categories."""
    name, there = str(series.name), series[series.notna() & (series.astype(object) != "")]
    nullable = len(there) < len(series)
    if there.empty:
        return Inferred(name, Column(type="category", nullable=True), "empty in every row: leave it out?")
    for draft in (
        Column(type="boolean"), Column(type="integer"), Column(type="number"), Column(type="timestamp"),
        Column(type="timestamp", timezone="UTC"),
    ):  # fmt: skip
        values = parse_column(there, draft)
        if _all_read(values, draft, there):
            return Inferred(name, _with_limits(draft, values, nullable), _remark(there, draft.type))
    return Inferred(name, _category(there, nullable), _remark(there, "category"))


def _all_read(values: np.ndarray, draft: Column, there: pd.Series) -> bool:
    if draft.type == "boolean":  # 0 and 1 are numbers until a person says otherwise
        texts = set(there.astype(str).str.lower())
        return texts <= {"true", "false"}
    if pd.isna(values).any():
        return False
    whole = draft.type != "integer" or bool((values % 1 == 0).all() and (np.abs(values) <= LARGEST_INTEGER).all())
    return whole and not (draft.type == "timestamp" and pd.api.types.is_numeric_dtype(there.dtype))


def _with_limits(draft: Column, values: np.ndarray, nullable: bool) -> Column:
    rules = draft.model_dump(exclude_defaults=True)
    if draft.type in ("number", "integer") and values.min() >= 0:
        rules["min"] = 0.0
    return Column(**rules, nullable=nullable)


def _category(there: pd.Series, nullable: bool) -> Column:
    values = sorted(there.astype(str).unique())
    if len(values) <= _MOST_VALUES and len(there) >= _ROWS_A_VALUE * len(values):
        return Column(type="category", values=values, nullable=nullable)
    return Column(type="category", nullable=nullable)


def _remark(there: pd.Series, kind: str) -> str:
    different = there.nunique()
    if different == 1:
        return "the same in every row: leave it out?"
    if different == len(there) and kind in ("category", "integer"):
        return "different in every row: is it the id?"
    return ""


def missing_columns(table: pd.DataFrame, contract: Contract) -> list[Inferred]:
    """Return every column of a table that the contract does not name, in the table's order."""
    known = contract.rules()
    return [infer(table[name]) for name in table if name not in known]


def _yaml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list):
        return f"[{', '.join(_yaml(item) for item in value)}]"
    return yaml_text(value) if isinstance(value, str) else str(value)


def yaml_text(text: str) -> str:
    """Return a text as YAML reads it back: bare where that is safe, else in double quotes."""
    bare = text.replace("_", "").replace(" ", "").isalnum() and text[0].isalpha() and text.strip() == text
    if bare and text.isascii() and text.lower() not in {"true", "false", "null", "yes", "no", "on", "off"}:
        return text
    return json.dumps(text, ensure_ascii=False)
