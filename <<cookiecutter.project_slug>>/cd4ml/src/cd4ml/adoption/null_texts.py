"""Find values that may stand for a null, such as -999 or "unknown", and ask whether they do."""

import pandas as pd

from cd4ml.adoption.column_rules import find_sentinel, sentinel_words
from cd4ml.adoption.questions import Ask
from cd4ml.contract.inference import infer_column
from cd4ml.contract.table import as_strings
from cd4ml.source.arrow_table import SourceTable


def null_texts(source: SourceTable, target: str, ask: Ask) -> list[str]:
    """Return the texts of a source that a person says mean null; none if nobody is asked.

    Args:
        source: the table, with plain numbers.
        target: the column to predict, whose values are what they are.
        ask: asks about each such value once.
    """
    found: dict[str, list[str]] = {}
    for name in source.rows:
        if name != target and (text := _suspect(source.rows[name], source.typed)) is not None:
            found.setdefault(text, []).append(str(name))
    answers = ("no, it is a value", "yes, a null")
    return [text for text, names in found.items() if ask(f"does {text} mean null in {', '.join(names)}?", answers)]


def _suspect(series: pd.Series, typed: bool) -> str | None:
    present, column = series.dropna(), infer_column(series, typed).column
    if present.empty:
        return None
    if column.type in ("number", "integer"):
        sentinel = find_sentinel(present, column)
        return None if sentinel is None else str(sentinel)
    return next(iter(sentinel_words(as_strings(present))), None) if column.type == "category" else None
