"""The data contract: what a row looks like, in training, in requests and in reports alike."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from cd4ml.contract.column import Column
from cd4ml.errors import ContractError
from cd4ml.files.yaml_file import Section, read_yaml

Task = Literal["binary", "multiclass", "regression"]


class Target(Section):
    """The column to predict. A boolean or a category makes a classifier, a number a regressor."""

    name: str
    type: Literal["boolean", "category", "number"]
    values: Annotated[list[str], Field(min_length=2)] | None = None
    unit: str | None = None
    description: str | None = None

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        try:
            _ = self.column
        except ValidationError as refused:
            raise refused.errors()[0]["ctx"]["error"] from None
        return self

    @property
    def column(self) -> Column:
        """The rules its values follow in the table; a target is never null."""
        return Column(type=self.type, values=self.values, unit=self.unit)


class Contract(Section):
    """What a row looks like. `columns` are what a request carries and what features are made from, in this order."""

    name: str
    description: str | None = None
    id: str | None = None
    time: str | None = None
    target: Target
    columns: Annotated[dict[str, Column], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        if self.target.name in self.columns:
            raise ValueError(f"{self.target.name} is the target and one of the columns; a model may not see its answer")
        if self.id is not None and self.id in self.columns:
            raise ValueError(f"{self.id} is the id and one of the columns; nothing can be learnt from an id")
        if self.time is not None and self.time in self.columns:
            time = self.columns[self.time]
            if time.type != "timestamp" or time.nullable:
                raise ValueError(f"{self.time} is the time: its column's type must be timestamp, and not nullable")
        roles = [name for name in (self.id, self.time, self.target.name) if name is not None]
        if len(set(roles)) < len(roles):
            raise ValueError("id, time and target.name must be different columns")
        return self

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the contract that a YAML file holds.

        Raises:
            ContractError: naming file, line and key of every mistake.
        """
        return read_yaml(path, cls, ContractError)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Return the contract that `to_json` wrote, from a bundle that was checked before."""
        return cls.model_validate(json.loads(text))

    def to_json(self) -> str:
        """Return the contract without comments, defaults and order of keys: the form that a bundle carries."""
        return json.dumps(self.model_dump(mode="json", exclude_defaults=True), indent=1, ensure_ascii=False)

    @property
    def task(self) -> Task:
        """What is to be learnt; a category with other than two values is multiclass."""
        if self.target.type == "number":
            return "regression"
        return "binary" if self.target.type == "boolean" else "multiclass"

    def rules(self) -> dict[str, Column]:
        """Return every column that a table must hold, with its rules: id, time, target and the row's own."""
        rules = dict(self.columns)
        rules[self.target.name] = self.target.column
        if self.time is not None and self.time not in rules:
            rules[self.time] = Column(type="timestamp")
        if self.id is not None:
            rules[self.id] = Column(type="category")
        return rules

    def sample_row(self) -> dict[str, Any]:
        """Return a row that a request may carry, made from each column's example or limits."""
        return {name: column.sample() for name, column in self.columns.items()}
