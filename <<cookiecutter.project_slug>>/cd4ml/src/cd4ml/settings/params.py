"""params.yaml as typed objects: every parameter of the pipeline, its default and its limits."""

import math
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from cd4ml.errors import ParamsError
from cd4ml.files.yaml_file import Section, read_yaml
from cd4ml.settings.monitor_params import MonitorParams
from cd4ml.settings.paths import PARAMS
from cd4ml.settings.source_url import is_database, rejection_reason


class CsvParams(Section):
    """How CSV files are written; `auto` is detected."""

    encoding: Annotated[str, Field(min_length=1)] = "auto"
    separator: Annotated[str, Field(pattern=r"^(auto|[^\"\r\n])$")] = "auto"
    decimal: Literal["auto", ".", ","] = "auto"


class DataParams(Section):
    """Which rows to use."""

    source: Annotated[str, Field(min_length=1)]
    query: Annotated[str | None, Field(validate_default=True)] = None
    until: str | None = None
    window_days: Annotated[int, Field(ge=1)] | None = None
    null_values: list[str] = Field(default_factory=list)
    csv: CsvParams = Field(default_factory=CsvParams)

    @field_validator("source")
    @classmethod
    def _is_supported_and_without_a_secret(cls, source: str) -> str:
        if reason := rejection_reason(source):
            raise ValueError(reason)
        return source

    @field_validator("query")
    @classmethod
    def _is_there_for_a_database_only(cls, query: str | None, fields: ValidationInfo) -> str | None:
        database = is_database(fields.data["source"]) if "source" in fields.data else None
        if database and not (query or "").strip():
            raise ValueError("data.source is a database; write the SELECT that returns its rows as data.query")
        if database is False and query is not None:
            raise ValueError("data.source is not a database, and only a database takes a query; remove it")
        return query

    @field_validator("until", mode="before")
    @classmethod
    def _is_a_date_in_quotes(cls, until: object) -> object:
        if isinstance(until, date):
            raise ValueError(f'DVC rejects a date without quotes; write "{until}"')
        if isinstance(until, str) and not _is_date(until):
            raise ValueError(f'"{until}" is not a date; expected one such as "2024-01-31", or null for all rows')
        return until

    @property
    def last_day(self) -> date | None:
        """The newest day whose rows are used; None: no limit."""
        return None if self.until is None else date.fromisoformat(self.until)

    @property
    def first_day(self) -> date | None:
        """The oldest day whose rows are used; None: no limit, or it depends on the newest row."""
        if self.last_day is None or self.window_days is None:
            return None
        return date.fromordinal(max(1, self.last_day.toordinal() - self.window_days + 1))


def _is_date(text: str) -> bool:
    """Return whether a text is a date such as 2024-01-31, which is not the only form that ISO 8601 allows."""
    try:
        return str(date.fromisoformat(text)) == text
    except ValueError:
        return False


class SplitParams(Section):
    """How many rows become the test set."""

    holdout_days: Annotated[int, Field(ge=1)] = 30
    holdout_share: Annotated[float, Field(gt=0, lt=1)] = 0.2
    minimum_rows: Annotated[int, Field(ge=2)] = 30


class DecisionParams(Section):
    """Rows at or above this probability are predicted positive."""

    threshold: Annotated[float, Field(gt=0, lt=1)] | Literal["auto"] = "auto"


class PackageParams(Section):
    """How the model is packaged into a bundle."""

    runtime: Literal["auto", "onnx", "sklearn"] = "auto"
    trusted_types: list[Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")]] = Field(default_factory=list)
    examples: Annotated[int, Field(ge=1, le=100)] = 10


class MetricsParams(Section):
    """Which metric decides: models are compared by it."""

    main: Annotated[str, Field(min_length=1)] = "auto"
    """The name of a metric; auto: ROC AUC for two classes, accuracy for more, the mean absolute error for numbers."""


class EvaluateParams(Section):
    """How the bundle is evaluated."""

    bootstrap_rounds: Annotated[int, Field(ge=100, le=100_000)] = 1000
    slice_maximum_values: Annotated[int, Field(ge=2)] = 20
    slice_minimum_rows: Annotated[int, Field(ge=1)] = 50
    cross_validation_below: Annotated[int, Field(ge=0)] = 0
    """With fewer rows in the test set, the report has a repeated cross-validation of the training set, too."""


class Waiver(Section):
    """The acceptance of one broken gate rule for one bundle, with a reason and a name. Integrity cannot be waived."""

    rule: Literal[
        "baseline", "floor", "leakage", "champion", "comparison", "slices", "calibration", "requests", "history",
        "constant", "limits", "power", "rows",
    ]  # fmt: skip
    bundle: Annotated[str, Field(min_length=1)]
    reason: Annotated[str, Field(min_length=1)]
    by: Annotated[str, Field(min_length=1)]


class GateParams(Section):
    """The limits that a bundle must keep to be released."""

    floor: Annotated[dict[str, float], Field(default_factory=dict)]
    too_good: Annotated[float | None, Field(gt=0, le=1)] = 0.995
    """The ROC AUC or R² above which a column is thought to give the target away; None: no limit."""
    max_regression: Annotated[float, Field(ge=0)] = 0.005
    max_slice_regression: Annotated[float, Field(ge=0)] = 0.05
    """Both are below 1, unless the main metric is one of the team's own, which has a unit of its own."""
    smallest_loss: Annotated[float | None, Field(gt=0)] = None
    """The loss against the champion that the test set has to show in four cases out of five; None: no limit."""
    max_calibration_error: Annotated[float, Field(gt=0, lt=1)] = 0.1
    compare_releases: Annotated[int, Field(ge=1, le=20)] = 5
    """How many of the newest releases a challenger is compared with; 1: the champion alone."""
    accept: Annotated[list[Waiver], Field(default_factory=list)]


class SearchDimension(Section):
    """The values that `make tune` tries for one key of `model`: those of a list, or numbers between two limits."""

    choices: list[Any] | None = None
    low: int | float | None = None
    high: int | float | None = None
    log: bool = False

    @model_validator(mode="before")
    @classmethod
    def _is_a_list_or_limits(cls, content: object) -> object:
        if isinstance(content, list):
            if not content:
                raise ValueError("the list is empty; expected the values to try")
            return {"choices": content}
        if not isinstance(content, dict) or not {"low", "high"} <= content.keys():
            raise ValueError("expected a list of values to try, or limits: {low: .., high: ..}")
        return content

    @model_validator(mode="after")
    def _is_not_empty(self) -> Self:
        if self.choices is not None:
            return self
        if self.low is None or self.high is None or not -math.inf < self.low < self.high < math.inf:
            raise ValueError(f"low is {self.low}, high is {self.high}; expected two finite numbers, low below high")
        if self.log and self.low <= 0:
            raise ValueError(f"low is {self.low}; with log: true, expected a number above 0")
        return self


class TuneParams(Section):
    """How `make tune` searches for better values of `model`."""

    candidates: Annotated[int, Field(ge=2, le=1000)] = 24
    folds: Annotated[int, Field(ge=2, le=20)] = 3
    factor: Annotated[int, Field(ge=2, le=10)] = 3
    seed: Annotated[int, Field(ge=0)] = 0
    space: Annotated[dict[str, SearchDimension], Field(default_factory=dict)]


class Params(Section):
    """All of params.yaml. `model` holds the arguments of the team's `build_model`, whose signature defines them."""

    data: DataParams
    split: SplitParams = SplitParams()
    model: Annotated[dict[str, Any], Field(default_factory=dict)]
    decision: DecisionParams = DecisionParams()
    package: PackageParams = PackageParams()
    metrics: MetricsParams = MetricsParams()
    evaluate: EvaluateParams = EvaluateParams()
    gate: Annotated[GateParams, Field(default_factory=lambda: GateParams())]
    monitor: MonitorParams = MonitorParams()
    tune: Annotated[TuneParams, Field(default_factory=lambda: TuneParams())]

    @classmethod
    def load(cls, path: Path = PARAMS) -> Self:
        """Return the parameters in a YAML file.

        Raises:
            ParamsError: the file is not valid; one line for each mistake, with file, line and key.
        """
        return read_yaml(path, cls, ParamsError)
