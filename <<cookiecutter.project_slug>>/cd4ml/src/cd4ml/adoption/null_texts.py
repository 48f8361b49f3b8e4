"""Find values that may stand for a null, such as -999 or "unknown", and ask whether they do."""

import pandas as pd

from cd4ml.adoption.column_rules import find_sentinel, sentinel_words
from cd4ml.adoption.questions import Ask
from cd4ml.contract.inference import infer_column
from cd4ml.contract.table import as_strings, parse_column
from cd4ml.source.arrow_table import SourceTable


def null_texts(as_read: SourceTable, source: SourceTable, target: str, ask: Ask) -> list[str]:
    """Return the texts of a source that a person says mean null; none if nobody is asked.

    A text that the target has, too, is not asked about: rows would lose their target.

    Args:
        as_read: the table, as the source writes it.
        source: the same with plain numbers.
        target: the column to predict, whose values are what they are.
        ask: asks about each such value once.
    """
    of_target = set(as_strings(as_read.rows[target]).dropna())
    found: dict[str, list[str]] = {}
    for name in source.rows:
        if name != target and (row := _suspect(source.rows[name], source.typed)) is not None:
            text = str(as_strings(as_read.rows[name][[row]]).iloc[0])
            if text not in of_target:
                found.setdefault(text, []).append(str(name))
    answers = ("no, it is a value", "yes, a null")
    return [text for text, names in found.items() if ask(f"does {text} mean null in {', '.join(names)}?", answers)]


def _suspect(series: pd.Series, typed: bool) -> int | None:
    """Return the label of a row whose value may stand for a null."""
    present, column = series.dropna(), infer_column(series, typed).column
    if present.empty or column.type not in ("number", "integer", "category"):
        return None
    if column.type == "category":
        texts = as_strings(present)
        words = sentinel_words(texts)
        return int(present.index[texts == words[0]][0]) if words else None
    sentinel = find_sentinel(present, column)
    return None if sentinel is None else int(present.index[parse_column(present, column) == sentinel][0])
