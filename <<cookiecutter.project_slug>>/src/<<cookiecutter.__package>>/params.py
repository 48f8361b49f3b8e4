"""params.yaml, typed: every knob, and errors that name the line to mend."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator

from .errors import ParamsError
from .paths import PARAMS
from .yaml_file import Section, read_yaml


class DataParams(Section):
    """Which rows to learn from."""

    source: Annotated[str, Field(min_length=1)]
    until: str | None = None
    window_days: Annotated[int, Field(ge=1)] | None = None

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


class Params(Section):
    """All of params.yaml. `model` is passed to `build_model`, whose signature says what may stand there."""

    data: DataParams
    split: SplitParams = SplitParams()
    model: Annotated[dict[str, Any], Field(default_factory=dict)]
    decision: DecisionParams = DecisionParams()
    package: PackageParams = PackageParams()
    evaluate: EvaluateParams = EvaluateParams()

    @classmethod
    def load(cls, path: Path = PARAMS) -> Self:
        """Return the parameters that a YAML file holds.

        Raises:
            ParamsError: naming file, line and key of every mistake.
        """
        return read_yaml(path, cls, ParamsError)
