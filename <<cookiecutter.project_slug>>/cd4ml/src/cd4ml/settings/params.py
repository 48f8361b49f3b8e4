"""params.yaml, typed: every knob, and errors that name the line to mend."""

import math
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from cd4ml.errors import ParamsError
from cd4ml.files.yaml_file import Section, read_yaml
from cd4ml.settings.paths import PARAMS
from cd4ml.settings.source_url import is_database, refusal


class DataParams(Section):
    """Which rows to learn from."""

    source: Annotated[str, Field(min_length=1)]
    query: Annotated[str | None, Field(validate_default=True)] = None
    until: str | None = None
    window_days: Annotated[int, Field(ge=1)] | None = None

    @field_validator("source")
    @classmethod
    def _may_stand_here(cls, source: str) -> str:
        if refused := refusal(source):
            raise ValueError(refused)
        return source

    @field_validator("query")
    @classmethod
    def _is_for_a_database(cls, query: str | None, others: ValidationInfo) -> str | None:
        database = is_database(others.data["source"]) if "source" in others.data else None
        if database and not (query or "").strip():
            raise ValueError("data.source is a database: write the SELECT that gives its rows as data.query")
        if database is False and query is not None:
            raise ValueError("a query is for a database, and data.source is none; remove it")
        return query

    @field_validator("until", mode="before")
    @classmethod
    def _is_a_day(cls, until: object) -> object:
        if isinstance(until, date):
            raise ValueError(f'a bare date, which DVC does not take; put it in quotes: "{until}"')
        try:
            date.fromisoformat(str(until or "2024-01-31"))
        except ValueError:
            raise ValueError(f'"{until}" is no day; write one such as "2024-01-31", or null for all') from None
        return until

    @property
    def last_day(self) -> date | None:
        """The newest day whose rows are used, inclusive; None: all of them."""
        return None if self.until is None else date.fromisoformat(self.until)

    @property
    def first_day(self) -> date | None:
        """The oldest day whose rows are used, inclusive; None: all of them, or known only from the rows."""
        if self.last_day is None or self.window_days is None:
            return None
        return self.last_day - timedelta(days=self.window_days - 1)


class SplitParams(Section):
    """How many rows are held out to judge the model on."""

    holdout_days: Annotated[int, Field(ge=1)] = 30
    holdout_share: Annotated[float, Field(gt=0, lt=1)] = 0.2
    minimum_rows: Annotated[int, Field(ge=2)] = 30


class DecisionParams(Section):
    """Where a probability becomes a yes (binary classification)."""

    threshold: Annotated[float, Field(gt=0, lt=1)] | Literal["auto"] = "auto"


class PackageParams(Section):
    """What the bundle runs on."""

    runtime: Literal["auto", "onnx", "sklearn"] = "auto"
    examples: Annotated[int, Field(ge=1, le=100)] = 10


class EvaluateParams(Section):
    """How the bundle is judged."""

    bootstrap_rounds: Annotated[int, Field(ge=100, le=100_000)] = 1000
    slice_maximum_values: Annotated[int, Field(ge=2)] = 20
    slice_minimum_rows: Annotated[int, Field(ge=1)] = 50


class Waiver(Section):
    """A waiver: one broken rule, for one bundle, with a reason and a name. Integrity cannot be waived."""

    rule: Literal["baseline", "floor", "champion", "comparison", "slices", "calibration", "requests"]
    bundle: Annotated[str, Field(min_length=1)]
    reason: Annotated[str, Field(min_length=1)]
    by: Annotated[str, Field(min_length=1)]


class GateParams(Section):
    """What a bundle must pass before it may be released."""

    floor: Annotated[dict[str, float], Field(default_factory=dict)]
    max_regression: Annotated[float, Field(ge=0, lt=1)] = 0.005
    max_slice_regression: Annotated[float, Field(ge=0, lt=1)] = 0.05
    max_calibration_error: Annotated[float, Field(gt=0, lt=1)] = 0.1
    accept: Annotated[list[Waiver], Field(default_factory=list)]


class SearchDimension(Section):
    """What `make tune` may draw for one key of `model`: one of a list, or a number between two limits."""

    choices: list[Any] | None = None
    low: int | float | None = None
    high: int | float | None = None
    log: bool = False

    @model_validator(mode="before")
    @classmethod
    def _is_a_list_or_limits(cls, said: object) -> object:
        if isinstance(said, list):
            if not said:
                raise ValueError("the list is empty; write the values to draw from")
            return {"choices": said}
        if not isinstance(said, dict) or not {"low", "high"} <= said.keys():
            raise ValueError("write a list of values, or {low: .., high: ..}, to draw from")
        return said

    @model_validator(mode="after")
    def _can_be_drawn(self) -> Self:
        if self.choices is not None:
            return self
        if self.low is None or self.high is None or not -math.inf < self.low < self.high < math.inf:
            raise ValueError(f"nothing lies between {self.low} and {self.high}; write a low below a high")
        if self.log and self.low <= 0:
            raise ValueError(f"log: true needs a low above 0, not {self.low}")
        return self


class TuneParams(Section):
    """How `make tune` looks for better values of `model`."""

    candidates: Annotated[int, Field(ge=2, le=1000)] = 24
    folds: Annotated[int, Field(ge=2, le=20)] = 3
    factor: Annotated[int, Field(ge=2, le=10)] = 3
    seed: Annotated[int, Field(ge=0)] = 0
    space: Annotated[dict[str, SearchDimension], Field(default_factory=dict)]


class Params(Section):
    """All of params.yaml. `model` is passed to `build_model`, whose signature says what may stand there."""

    data: DataParams
    split: SplitParams = SplitParams()
    model: Annotated[dict[str, Any], Field(default_factory=dict)]
    decision: DecisionParams = DecisionParams()
    package: PackageParams = PackageParams()
    evaluate: EvaluateParams = EvaluateParams()
    gate: Annotated[GateParams, Field(default_factory=lambda: GateParams())]
    tune: Annotated[TuneParams, Field(default_factory=lambda: TuneParams())]

    @classmethod
    def load(cls, path: Path = PARAMS) -> Self:
        """Return the parameters that a YAML file holds.

        Raises:
            ParamsError: naming file, line and key of every mistake.
        """
        return read_yaml(path, cls, ParamsError)
