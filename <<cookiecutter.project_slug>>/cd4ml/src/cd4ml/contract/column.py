"""One column of the data contract: its type, the rules for its values, and the names of these rules in messages."""

import math
from datetime import datetime
from typing import Annotated, Any, Literal, Self

import msgspec
from pydantic import Field, model_validator

from cd4ml.files.yaml_file import Section

LARGEST_INTEGER = 2**24  # float32 represents every integer up to here exactly
LARGEST_NUMBER = 3.4e38  # about the largest float32

ColumnType = Literal["number", "integer", "boolean", "category", "timestamp"]

_TYPE_RULES = {
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "category": "a string",
    "timestamp": "a time without offset, such as 2024-01-31T12:00:00",
}
_SHOWN_VALUES = 8

Number = Annotated[float, Field(allow_inf_nan=False)]


class Column(Section):
    """The type of a column, and the rules for its values."""

    type: ColumnType
    nullable: bool = False
    min: Number | None = None
    max: Number | None = None
    values: Annotated[list[str], Field(min_length=1)] | None = None
    unknown: Literal["allow", "refuse"] | None = None
    timezone: Literal["UTC"] | None = None
    format: Annotated[str, Field(min_length=1)] | None = None
    """How the source writes a timestamp: as strptime reads it, or `epoch_s` or `epoch_ms`."""
    positive: Annotated[str, Field(min_length=1)] | None = None
    """The text in the source that means true, if it is not true, yes, y, t or 1."""
    negative: Annotated[str, Field(min_length=1)] | None = None
    """The text in the source that means false."""
    unit: str | None = None
    description: str | None = None
    example: Any = None
    sensitive: bool = False
    """Whether the values stay out of logs and metrics."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        numeric = self.type in ("number", "integer")
        if not numeric and (self.min is not None or self.max is not None):
            raise ValueError(f"min and max are for numbers and integers, this is a {self.type}; remove them")
        if self.type != "category" and self.values is not None:
            raise ValueError(f"values are for a category, this is a {self.type}; remove them")
        if self.values is not None and (len(set(self.values)) < len(self.values) or "" in self.values):
            raise ValueError("values repeat, or contain an empty string, which means null; list each value once")
        if self.unknown is not None and self.values is None:
            raise ValueError("unknown applies to values that are not listed; add values, or remove unknown")
        if self.timezone is not None and self.type != "timestamp":
            raise ValueError(f"timezone is for a timestamp, this is a {self.type}; remove it")
        if self.format is not None and self.type != "timestamp":
            raise ValueError(f"format is for a timestamp, this is a {self.type}; remove it")
        if (self.positive, self.negative) != (None, None):
            if self.type != "boolean":
                raise ValueError(f"positive and negative are for a boolean, this is a {self.type}; remove them")
            if self.positive is None or self.negative is None or self.positive == self.negative:
                raise ValueError("positive and negative are the two texts of the source; write both")
        if numeric and self.lowest > self.highest:
            limits = f"at least {self.lowest:g} and at most {self.highest:g}"
            raise ValueError(f"no {self.type} can be {limits}; fix min or max")
        if self.example is not None and (rule := self.broken_rule(self.sample())):
            raise ValueError(f"example is {self.example}, which breaks the column's own rule: {rule}; fix one of them")
        return self

    @property
    def lowest(self) -> float:
        """The lowest value allowed: `min`, for an integer rounded up, or what float32 can represent."""
        limit = -LARGEST_INTEGER if self.type == "integer" else -LARGEST_NUMBER
        if self.min is None:
            return limit
        return max(limit, math.ceil(self.min) if self.type == "integer" else self.min)

    @property
    def highest(self) -> float:
        """The highest value allowed: `max`, for an integer rounded down, or what float32 can represent."""
        limit = LARGEST_INTEGER if self.type == "integer" else LARGEST_NUMBER
        if self.max is None:
            return limit
        return min(limit, math.floor(self.max) if self.type == "integer" else self.max)

    @property
    def is_numeric(self) -> bool:
        """Whether the values are numbers once they are normalized."""
        return self.type in ("number", "integer", "boolean")

    @property
    def rejects_unknown(self) -> bool:
        """Whether a category that is not in `values` breaks the contract."""
        return self.values is not None and self.unknown != "allow"

    @property
    def type_rule(self) -> str:
        """The name of the rule that a value has the column's type."""
        if self.timezone:
            return "a time with an offset, such as 2024-01-31T12:00:00Z"
        return _TYPE_RULES[self.type]

    @property
    def source_rule(self) -> str:
        """The name of the same rule for a value of the source, which may be written in the source's own way."""
        if self.format is not None:
            return f"a time written as {self.format}"
        return f"{self.positive} or {self.negative}" if self.positive is not None else self.type_rule

    @property
    def minimum_rule(self) -> str:
        """The name of the rule for the lower limit."""
        return f"at least {self.lowest:.9g}"

    @property
    def maximum_rule(self) -> str:
        """The name of the rule for the upper limit."""
        return f"at most {self.highest:.9g}"

    @property
    def values_rule(self) -> str:
        """The name of the rule for the categories: it lists a few, and counts many."""
        values = self.values or []
        if len(values) > _SHOWN_VALUES:
            return f"one of {len(values)} values"
        return f"one of {', '.join(values)}"

    @property
    def accepted_values(self) -> list[str]:
        """The categories that a request may contain, if others break the contract; an empty string is a null."""
        return [*(self.values or []), *([""] if self.nullable else [])]

    def value_type(self) -> Any:
        """Return the type by which msgspec decodes and checks a JSON value of this column."""
        kind: Any
        match self.type:
            case "number":
                kind = Annotated[float, msgspec.Meta(ge=self.lowest, le=self.highest)]
            case "integer":
                limits = msgspec.Meta(ge=self.lowest, le=self.highest, multiple_of=1)
                kind = Annotated[float, limits]  # 181.0 is an integer, too: many programs write it so
            case "boolean":
                kind = bool
            case "category" if self.rejects_unknown:
                kind = Literal[tuple(self.accepted_values)]
            case "category":
                kind = str if self.nullable else Annotated[str, msgspec.Meta(min_length=1)]
            case "timestamp":
                kind = Annotated[datetime, msgspec.Meta(tz=self.timezone is not None)]
        return kind | None if self.nullable else kind

    def broken_rule(self, value: Any) -> str | None:
        """Return the name of the rule that a JSON value breaks; None if it breaks none."""
        try:
            msgspec.convert(value, self.value_type())
        except msgspec.ValidationError as invalid:
            return self._broken_rule(value) or str(invalid)
        return None

    def _broken_rule(self, value: Any) -> str | None:
        if value is None or (value == "" and not self.nullable):
            return "not null"
        if self.type in ("number", "integer"):
            if isinstance(value, bool) or not isinstance(value, int | float):
                return self.type_rule
            if value < self.lowest:
                return self.minimum_rule
            return self.maximum_rule if value > self.highest else self.type_rule
        if self.type == "category" and isinstance(value, str):
            return self.values_rule
        return self.type_rule

    def sample(self) -> Any:
        """Return a JSON value that keeps the rules: the `example`, or else one made from the rules."""
        if self.example is not None:
            return self.example.isoformat() if isinstance(self.example, datetime) else self.example
        match self.type:
            case "number" | "integer":
                middle = min(max(0.0, self.lowest), self.highest)
                if self.min is not None and self.max is not None:
                    middle = (self.lowest + self.highest) / 2
                return round(middle) if self.type == "integer" else middle
            case "boolean":
                return True
            case "category":
                return self.values[0] if self.values else "a"
            case "timestamp":
                return "2024-01-31T12:00:00" + ("Z" if self.timezone else "")
