"""The contract's columns as fields of a form, with their types, limits, units and descriptions."""

from collections.abc import Sequence

import numpy as np

from cd4ml.contract.column import Column
from cd4ml.contract.columns import normalize
from cd4ml.contract.contract import Contract
from cd4ml.serving.page.html_text import escape

_KINDS = {"number": "number", "integer": "number", "timestamp": "datetime-local"}


def form_fields(contract: Contract) -> str:
    """Return the HTML of a field for each column, with the contract's example filled in.

    Fields are numbered, because a column may have any name; the script finds it in `data-column`.
    """
    return "\n".join(_field(number, name, column) for number, (name, column) in enumerate(contract.columns.items()))


def _field(number: int, name: str, column: Column) -> str:
    unit = f' <span class="unit">({escape(column.unit)})</span>' if column.unit else ""
    hint = escape(". ".join(_hints(column)))
    attributes = _attributes(
        id=f"field-{number}",
        data_column=name,
        data_type=column.type,
        data_suffix="Z" if column.timezone else "",
        aria_describedby=f"hint-{number} error-{number}",
        aria_required=None if column.nullable else "true",
    )
    return (
        f'<div class="field"><label for="field-{number}">{escape(name)}{unit}</label>\n'
        f'<p class="hint" id="hint-{number}">{hint}</p>\n'
        f"{_control(number, column, attributes)}\n"
        f'<p class="error" id="error-{number}"></p></div>'
    )


def _hints(column: Column) -> list[str]:
    """Return what a person has to know to fill in a field, shortest last."""
    hints = [column.description.strip().removesuffix(".")] if column.description and column.description.strip() else []
    if column.type in ("number", "integer") and (column.min is not None or column.max is not None):
        hints.append(_range(column))
    elif column.type == "integer":
        hints.append("A whole number")
    if column.type == "category" and column.values is not None and not column.rejects_unknown:
        hints.append("Another value is accepted, too")
    if column.timezone:
        hints.append("In UTC")
    return [*hints, *(["May be empty"] if column.nullable else [])]


def _range(column: Column) -> str:
    kind = "Whole number, " if column.type == "integer" else ""
    low, high = (f"{limit:,.9g}".replace("-", "\N{MINUS SIGN}") for limit in (column.lowest, column.highest))
    if column.min is None or column.max is None:
        text = f"at least {low}" if column.min is not None else f"at most {high}"
    else:
        text = f"{low} to {high}"
    return kind + text if kind else text[0].upper() + text[1:]


def _control(number: int, column: Column, attributes: str) -> str:
    example = _example(column)
    if column.type == "boolean":
        return _select(["true", "false"], example, column, attributes)
    if column.type == "category" and column.rejects_unknown:
        return _select(column.values or [], example, column, attributes)
    if column.type == "category":
        known = "".join(f"<option value={_quoted(value)}></option>" for value in column.values or [])
        suggestions = f'<datalist id="values-{number}">{known}</datalist>' if known else ""
        text = _attributes(type="text", list=known and f"values-{number}", value=example, autocomplete="off")
        return f'<input {attributes} {text} autocapitalize="off" spellcheck="false">{suggestions}'
    limits = _attributes(type=_KINDS[column.type], step=_step(column), value=example, autocomplete="off")
    if column.type in ("number", "integer"):
        low, high = (f"{limit:.17g}" for limit in (column.lowest, column.highest))
        limits += " " + _attributes(
            min=low if column.min is not None else "", max=high if column.max is not None else ""
        )
    return f"<input {attributes} {limits.rstrip()}>"


def _step(column: Column) -> str:
    return {"integer": "1", "timestamp": "1"}.get(column.type, "any")


def _select(values: Sequence[str], example: str, column: Column, attributes: str) -> str:
    options = [("", "no value"), *((value, value) for value in values)] if column.nullable else [(v, v) for v in values]
    chosen = [' selected=""' if value == example else "" for value, _ in options]
    listed = (
        f"<option value={_quoted(value)}{selected}>{escape(text)}</option>"
        for (value, text), selected in zip(options, chosen, strict=True)
    )
    return f"<select {attributes}>{''.join(listed)}</select>"


def _example(column: Column) -> str:
    """Return the contract's example, or a value that keeps the column's rules, as the value of a control."""
    sample = column.sample()
    if column.type == "timestamp":
        (time,) = normalize([sample], column)
        return str(np.datetime_as_string(time, unit="ms")).removesuffix(".000")
    if isinstance(sample, bool):
        return "true" if sample else "false"
    return str(sample).removesuffix(".0") if isinstance(sample, float) else str(sample)


def _attributes(**values: str | None) -> str:
    """Return attributes; one without a value is left out, unless it is the value of a control."""
    shown = {name: value for name, value in values.items() if value or (value == "" and name == "value")}
    return " ".join(f"{name.replace('_', '-')}={_quoted(value)}" for name, value in shown.items())


def _quoted(value: str | None) -> str:
    return f'"{escape(value)}"'
