"""contract.yaml as a typed object: the columns, the id, the group, the time and the target of a row."""

import json
import unicodedata
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from cd4ml.contract.column import Column
from cd4ml.errors import ContractError
from cd4ml.files.yaml_file import Section, read_yaml

Task = Literal["binary", "multiclass", "regression"]


def normalize_name(name: str) -> str:
    """Return the name of a column or a file in Unicode's form NFC: an accented letter may be written in two ways."""
    return unicodedata.normalize("NFC", name)


class Target(Section):
    """The column to predict. A boolean or a category needs a classifier, a number a regressor."""

    name: str
    type: Literal["boolean", "category", "number"]
    values: Annotated[list[str], Field(min_length=2)] | None = None
    positive: str | None = None
    """For a boolean: the text in the source that means true."""
    negative: str | None = None
    unit: str | None = None
    description: str | None = None

    @field_validator("name")
    @classmethod
    def _name_is_normalized(cls, name: str) -> str:
        return normalize_name(name)

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        try:
            _ = self.column
        except ValidationError as invalid:
            raise invalid.errors()[0]["ctx"]["error"] from None
        return self

    @property
    def column(self) -> Column:
        """The rules for the target's values in a table; a target is never null."""
        return Column(
            type=self.type, values=self.values, positive=self.positive, negative=self.negative, unit=self.unit
        )


class Contract(Section):
    """What a row looks like. `columns` are those of a request, from which features are made, in this order."""

    name: str
    description: str | None = None
    id: str | None = None
    group: str | None = None
    """The column of what several rows belong to, such as a patient; the test set gets all of its rows or none."""
    time: str | None = None
    target: Target
    columns: Annotated[dict[str, Column], Field(min_length=1)]

    @field_validator("id", "group", "time")
    @classmethod
    def _name_is_normalized(cls, name: str | None) -> str | None:
        return None if name is None else normalize_name(name)

    @field_validator("columns")
    @classmethod
    def _names_are_normalized(cls, columns: dict[str, Column]) -> dict[str, Column]:
        return {normalize_name(name): column for name, column in columns.items()}

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        if self.target.name in self.columns:
            raise ValueError(f"{self.target.name} is the target and one of the columns; remove it from columns")
        for role, name in (("id", self.id), ("group", self.group)):
            if name is not None and name in self.columns:
                raise ValueError(f"{name} is the {role} and one of the columns; remove it from columns")
        if self.group is not None and self.time is not None:
            raise ValueError("the test set is chosen by time or by group; remove time or group")
        if self.time is not None and self.time in self.columns:
            time = self.columns[self.time]
            if time.type != "timestamp" or time.nullable:
                raise ValueError(f"{self.time} is the time; expected type timestamp, and not nullable")
        roles = [name for name in (self.id, self.group, self.time, self.target.name) if name is not None]
        if len(set(roles)) < len(roles):
            raise ValueError("id, group, time and target.name must be different columns")
        return self

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the contract in a YAML file.

        Raises:
            ContractError: the file is not valid; one line for each mistake, with file, line and key.
        """
        return read_yaml(path, cls, ContractError)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Return the contract that `to_json` wrote into a bundle."""
        return cls.model_validate(json.loads(text))

    def to_json(self) -> str:
        """Return the contract as it is stored in a bundle: without comments and default values."""
        return json.dumps(self.model_dump(mode="json", exclude_defaults=True), indent=1, ensure_ascii=False)

    @property
    def task(self) -> Task:
        """The machine-learning task: a boolean target is binary, a category multiclass, a number regression."""
        if self.target.type == "number":
            return "regression"
        return "binary" if self.target.type == "boolean" else "multiclass"

    def table_columns(self) -> dict[str, Column]:
        """Return every column that a table of the source must have: `columns`, target, time, id and group."""
        columns = dict(self.columns)
        columns[self.target.name] = self.target.column
        if self.time is not None and self.time not in columns:
            columns[self.time] = Column(type="timestamp")
        columns |= {name: Column(type="category") for name in (self.id, self.group) if name is not None}
        return columns

    def sample_row(self) -> dict[str, Any]:
        """Return a row that keeps the contract, made from each column's example or rules."""
        return {name: column.sample() for name, column in self.columns.items()}
