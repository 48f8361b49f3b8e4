"""Build and fit the model of model.py, with errors that name the line of params.yaml or what scikit-learn refused."""

from collections.abc import Mapping
from typing import Any, get_type_hints

from pydantic import ConfigDict, ValidationError, validate_call

from . import paths
from .columns import Array, Columns
from .contract import Problem
from .errors import ModelError, ParamsError
from .estimator import frame_of, kinds_of
from .model import build_model
from .params import Params
from .yaml_file import explain


def configured(params: Params, problem: Problem, features: Columns) -> Any:
    """Return the unfitted model that model.py builds with the keys of `model:` in params.yaml.

    Raises:
        ParamsError: a key that `build_model` does not take, or a value of another type, with its line.
        ModelError: what was built cannot answer as the problem needs.
    """
    model = built(params.model, problem, features, said_under=("model",))
    if problem != "regression" and not hasattr(model, "predict_proba"):
        raise ModelError("model.py: this classifier gives no probabilities; build one with predict_proba")
    return model


def built(settings: Mapping[str, Any], problem: Problem, features: Columns, said_under: tuple[str, ...]) -> Any:
    """Return what model.py builds with settings that stand in params.yaml below the keys `said_under`.

    Raises:
        ParamsError: a key that `build_model` does not take, or a value of another type, with its line.
    """
    numbers, categories = kinds_of(features)
    build = validate_call(config=ConfigDict(strict=True, arbitrary_types_allowed=True))(build_model)
    try:
        return build(problem, numbers, categories, **settings)
    except ValidationError as invalid:
        raise ParamsError(explain(paths.PARAMS, invalid, ParamsError, under=said_under)) from None


def types_of_settings() -> dict[str, Any]:
    """Return the types that `build_model` names for what it takes."""
    return get_type_hints(build_model)


def fitted(model: Any, features: Columns, target: Array) -> Any:
    """Return `model` fitted on features and target, shape `(rows,)`.

    Raises:
        ModelError: scikit-learn refused the parameters or the data.
    """
    try:
        return model.fit(frame_of(features), target)
    except (ValueError, TypeError) as refused:
        raise ModelError(f"model.py: the model cannot be fitted: {str(refused).splitlines()[0]}") from refused
