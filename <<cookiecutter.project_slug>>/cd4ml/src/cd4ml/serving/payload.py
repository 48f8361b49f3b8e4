"""Decode request bodies to columns with types made from the contract; reject them by row, column and rule."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Any

import msgspec
import numpy as np

from cd4ml.bundle.explanation import most_explained_rows
from cd4ml.contract.column import Column
from cd4ml.contract.columns import Columns, normalize
from cd4ml.contract.contract import Contract

MAX_VIOLATIONS = 20  # in one response
_LONGEST_VALUE = 100  # characters of a rejected value that the response repeats

_Id = str | int
_ESCAPED = re.compile(r'["\\\x00-\x1f]')  # characters in a name that msgspec cannot decode by itself


class Violation(msgspec.Struct, frozen=True):
    """A rule that a request breaks, and where; row and column are None if it is about the request as a whole."""

    row: int | None
    """Counted from 0."""
    column: str | None
    rule: str
    value: Any


class MalformedError(Exception):
    """The body is not valid JSON; the message gives the reason."""


class RejectedError(Exception):
    """The body is JSON that breaks the contract."""

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__(f"{len(violations)} rules violated")
        self.violations = violations


class DecodedRequest(msgspec.Struct, frozen=True, gc=False):
    """What a request asks."""

    columns: Columns
    """The normalized columns of its rows, which nothing may write to."""
    ids: list[str | int | None] | None
    """The id of each row, None where a row has none; None if the contract names no id."""
    explain: bool
    """Whether the answer says what moves each prediction."""
    size: int
    """Bytes of its body."""


class Payload:
    """Decodes the requests for one contract: `{"rows": [{column: value, ...}, ...]}`, and `"explain": true`.

    One msgspec type decodes and checks a whole body. Only if it rejects the body, every violation in it is searched,
    column by column with the same types, so that both always agree.
    """

    def __init__(self, contract: Contract, max_rows: int) -> None:
        self._columns, self._id, self._max_rows = contract.columns, contract.id, max_rows
        self._max_explained = most_explained_rows(contract, max_rows)
        self._numbers = [name for name, column in contract.columns.items() if column.is_numeric]
        self._others = [(name, column) for name, column in contract.columns.items() if not column.is_numeric]
        self._names = {name: f"c{number}" for number, name in enumerate(contract.columns)}
        if contract.id is not None:
            self._names[contract.id] = "id"
        self._renamed = not any(map(_ESCAPED.search, self._names))
        self._row = self._row_type()
        rows = Annotated[list[self._row], msgspec.Meta(min_length=1, max_length=max_rows)]  # type: ignore[name-defined]
        fields: list[Any] = [("rows", rows), ("explain", bool, False)]
        self._body: Any = msgspec.defstruct("Body", fields, forbid_unknown_fields=True)
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(self._body)

    def _row_type(self) -> Any:
        """Return the type of a row: numbers first, an id last. Fields are numbered: a column may have any name."""
        fields: list[Any] = [
            (self._names[name], column.value_type(), *((None,) if column.nullable else ()))
            for name, column in [*((name, self._columns[name]) for name in self._numbers), *self._others]
        ]
        if self._id is not None:
            fields.append(("id", _Id, None))
        names = {field: name for name, field in self._names.items()} if self._renamed else None
        return msgspec.defstruct("Row", fields, rename=names, kw_only=True, forbid_unknown_fields=True, gc=False)

    def _typed(self, body: bytes) -> Any:
        if self._renamed:
            return self._decoder.decode(body)
        content = msgspec.json.decode(body)
        if isinstance(content, dict) and isinstance(content.get("rows"), list):
            content["rows"] = [self._with_field_names(row) for row in content["rows"]]
        return msgspec.convert(content, self._body)

    def _with_field_names(self, row: Any) -> Any:
        """Return a row with the type's field names, if msgspec cannot rename these; others are unknown to it."""
        if self._renamed or not isinstance(row, dict):
            return row
        return {self._names.get(name, f"no column: {name}"): value for name, value in row.items()}

    def decode(self, body: bytes) -> DecodedRequest:
        """Return what a request's body asks.

        Raises:
            MalformedError: it is not valid JSON.
            RejectedError: it breaks the contract, or has too many rows.
        """
        try:
            typed = self._typed(body)
            if typed.explain and len(typed.rows) > self._max_explained:
                raise RejectedError([self._too_many(len(typed.rows), explain=True)])
            values = list(zip(*map(msgspec.structs.astuple, typed.rows), strict=True))
            ids = None if self._id is None else list(values[-1])
            return DecodedRequest(self._columns_of(values), ids, typed.explain, len(body))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError) as invalid:
            raise RejectedError(self._find_violations(body, str(invalid))) from None

    def _columns_of(self, values: list[tuple[Any, ...]]) -> Columns:
        """Return the normalized columns; all numbers at once, since each array costs about as much as ten values."""
        columns: Columns = dict.fromkeys(self._columns)  # type: ignore[assignment] # in the contract's order
        first_other = len(self._numbers)
        if self._numbers:
            numbers = np.array(values[:first_other], dtype=np.float64).astype(np.float32)
            numbers.setflags(write=False)
            columns.update(zip(self._numbers, numbers, strict=True))
        for (name, column), others in zip(self._others, values[first_other:], strict=False):  # an id comes last
            columns[name] = normalize(others, column)
            columns[name].setflags(write=False)
        return columns

    def _find_violations(self, body: bytes, reason: str) -> list[Violation]:
        """Return the violations in a rejected body; one with `reason` if the search finds none."""
        try:
            content = msgspec.json.decode(body)
        except msgspec.ValidationError:  # JSON, with a number that no float can represent
            return [Violation(None, None, reason, None)]
        except msgspec.DecodeError as malformed:
            raise MalformedError(str(malformed).removeprefix("JSON is malformed: ")) from None
        except UnicodeDecodeError:
            raise MalformedError("the text is not UTF-8") from None
        except RecursionError:
            raise MalformedError("lists or objects are nested too deeply") from None
        return list(islice(self.violations(content), MAX_VIOLATIONS)) or [Violation(None, None, reason, None)]

    def violations(self, content: Any) -> Iterator[Violation]:
        """Yield the violations in a decoded body, in the order of its rows."""
        if not isinstance(content, dict):
            yield Violation(None, None, 'an object, {"rows": [...]}', _shown(content))
            return
        for key in content.keys() - {"rows", "explain"}:
            yield Violation(
                None, None, f'only "rows" and "explain" are known here, not "{_cut(key)}"', _shown(content[key])
            )
        if not isinstance(content.get("explain", False), bool):
            yield Violation(None, None, '"explain" is true or false', _shown(content["explain"]))
        if "rows" not in content:
            yield Violation(None, None, '"rows" is required', None)
            return
        rows = content["rows"]
        if not isinstance(rows, list):
            yield Violation(None, None, "rows is a list", _shown(rows))
            return
        if not 1 <= len(rows) <= self._max_rows:
            yield self._too_many(len(rows), explain=False)
            return
        for number, row in enumerate(rows):
            yield from self._violations_in_row(number, row)

    def _too_many(self, rows: int, *, explain: bool) -> Violation:
        rule = f'{self._max_explained:,} rows with "explain"' if explain else f"{self._max_rows:,} rows"
        return Violation(None, None, f"from 1 to {rule}", rows)

    def _violations_in_row(self, number: int, row: Any) -> Iterator[Violation]:
        try:
            msgspec.convert(self._with_field_names(row), self._row)
            return
        except msgspec.ValidationError as invalid:
            reason = str(invalid)
        if not isinstance(row, dict):
            yield Violation(number, None, "an object, {column: value}", _shown(row))
            return
        explained = False
        for name, rule in self._broken_rules(row):
            explained = True
            yield Violation(number, _cut(name), rule, _shown(row.get(name)))
        if not explained:
            yield Violation(number, None, reason, None)

    def _broken_rules(self, row: dict[str, Any]) -> Iterator[tuple[str, str]]:
        """Yield the name of each column with a violation, and the rule that it breaks."""
        for name, column in self._columns.items():
            rule = column.broken_rule(row[name]) if name in row else _rule_if_missing(column)
            if rule:
                yield name, rule
        for name, value in row.items():
            if name == self._id:
                if isinstance(value, bool) or not isinstance(value, _Id):
                    yield name, "a string or a whole number"
            elif name not in self._columns:
                yield name, "not a column of the contract"


def _rule_if_missing(column: Column) -> str | None:
    return None if column.nullable else "required"


def _shown(value: Any) -> Any:
    """Return a rejected value as the response repeats it: a JSON value that is no list or object, and not long."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, str):
        return _cut(value)
    if isinstance(value, int) and abs(value) >= 2**53:
        return _cut(str(value))  # many readers of JSON cannot represent it as a number
    return value


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
