"""Request bodies to columns: decoded and checked with types made from the contract, refused by row and column."""

from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Any

import msgspec

from cd4ml.contract.column import Column
from cd4ml.contract.columns import Columns, normalize
from cd4ml.contract.contract import Contract

MOST_MISTAKES = 20  # listed in one answer
_LONGEST_VALUE = 100  # characters of a refused value that the answer repeats

_Id = str | int


class Mistake(msgspec.Struct, frozen=True):
    """A rule that a request breaks, and where; no row or column where it is the request as a whole."""

    row: int | None
    """Counted from 0."""
    column: str | None
    rule: str
    value: Any


class MalformedError(Exception):
    """The body is no JSON; the message says what is wrong with it."""


class RefusedError(Exception):
    """The body is JSON that breaks the contract."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__(f"{len(mistakes)} rules broken")
        self.mistakes = mistakes


class Payload:
    """What a request for one contract may carry: `{"rows": [{column: value, ...}, ...]}`.

    One msgspec type decodes and checks a whole body. Only when it refuses is the body walked to name every mistake,
    column by column with the same types, so that both always agree.
    """

    def __init__(self, contract: Contract, most_rows: int) -> None:
        self._columns, self._id, self._most_rows = contract.columns, contract.id, most_rows
        self._row = self._row_type()
        rows = Annotated[list[self._row], msgspec.Meta(min_length=1, max_length=most_rows)]  # type: ignore[name-defined]
        body = msgspec.defstruct("Body", [("rows", rows)], forbid_unknown_fields=True)
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(body)

    def _row_type(self) -> Any:
        """Return the type of a row; its fields are numbered, because a column may have any name."""
        fields: list[Any] = []
        names: dict[str, str] = {}
        for number, (name, column) in enumerate(self._columns.items()):
            names[f"c{number}"] = name
            fields.append((f"c{number}", column.value_type(), *((None,) if column.nullable else ())))
        if self._id is not None:
            names["id"] = self._id
            fields.append(("id", _Id, ""))
        return msgspec.defstruct("Row", fields, rename=names, kw_only=True, forbid_unknown_fields=True, gc=False)

    def columns(self, body: bytes) -> Columns:
        """Return the normalized columns of a request's body.

        Raises:
            MalformedError: it is no JSON.
            RefusedError: it breaks the contract, or carries more rows than are taken at once.
        """
        try:
            rows = self._decoder.decode(body).rows
            columns = zip(*map(msgspec.structs.astuple, rows), strict=True)  # as in the contract; an id comes last
            return {
                name: normalize(values, column)
                for (name, column), values in zip(self._columns.items(), columns, strict=False)
            }
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError) as refused:
            raise RefusedError(self._explained(body, str(refused))) from None

    def _explained(self, body: bytes, reason: str) -> list[Mistake]:
        """Return what is wrong with a body that was refused, for `reason` if nothing else is found."""
        try:
            said = msgspec.json.decode(body)
        except msgspec.ValidationError:  # JSON, with a number that no computer's float holds
            return [Mistake(None, None, reason, None)]
        except msgspec.DecodeError as malformed:
            raise MalformedError(str(malformed).removeprefix("JSON is malformed: ")) from None
        except UnicodeDecodeError:
            raise MalformedError("the text is not UTF-8") from None
        except RecursionError:
            raise MalformedError("lists or objects are nested too deeply") from None
        return list(islice(self.mistakes(said), MOST_MISTAKES)) or [Mistake(None, None, reason, None)]

    def mistakes(self, said: Any) -> Iterator[Mistake]:
        """Yield what is wrong with a decoded body, in the order of its rows; nothing where it keeps the contract."""
        if not isinstance(said, dict):
            yield Mistake(None, None, 'an object, {"rows": [...]}', _shown(said))
            return
        for key in said.keys() - {"rows"}:
            yield Mistake(None, None, f'only "rows" is known here, not "{_cut(key)}"', _shown(said[key]))
        if "rows" not in said:
            yield Mistake(None, None, '"rows" is required', None)
            return
        rows = said["rows"]
        if not isinstance(rows, list):
            yield Mistake(None, None, "rows is a list", _shown(rows))
            return
        if not 1 <= len(rows) <= self._most_rows:
            yield Mistake(None, None, f"from 1 to {self._most_rows:,} rows", len(rows))
            return
        for number, row in enumerate(rows):
            yield from self._mistakes_of_row(number, row)

    def _mistakes_of_row(self, number: int, row: Any) -> Iterator[Mistake]:
        try:
            msgspec.convert(row, self._row)
            return
        except msgspec.ValidationError as refused:
            reason = str(refused)
        if not isinstance(row, dict):
            yield Mistake(number, None, "an object, {column: value}", _shown(row))
            return
        found = False
        for name, rule in self._broken(row):
            found = True
            yield Mistake(number, _cut(name), rule, _shown(row.get(name)))
        if not found:
            yield Mistake(number, None, reason, None)

    def _broken(self, row: dict[str, Any]) -> Iterator[tuple[str, str]]:
        for name, column in self._columns.items():
            rule = column.broken_rule(row[name]) if name in row else _absent(column)
            if rule:
                yield name, rule
        for name, value in row.items():
            if name == self._id:
                if isinstance(value, bool) or not isinstance(value, _Id):
                    yield name, "a string or a whole number"
            elif name not in self._columns:
                yield name, "not a column of the contract"


def _absent(column: Column) -> str | None:
    return None if column.nullable else "required"


def _shown(value: Any) -> Any:
    """Return a refused value as the answer repeats it: plain values, long ones cut."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, str):
        return _cut(value)
    if isinstance(value, int) and abs(value) >= 2**53:
        return _cut(str(value))  # beyond what a reader of JSON can be expected to hold
    return value


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
