"""Build the team's model: `build_model` in model.py, with the keys of `model:` in params.yaml."""

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from pydantic import ConfigDict, ValidationError, validate_call

from cd4ml.contract.columns import Columns
from cd4ml.contract.contract import Task
from cd4ml.errors import ModelError, ParamsError, UserError, describe, locate
from cd4ml.files.yaml_file import describe_errors
from cd4ml.settings import paths
from cd4ml.settings.params import Params
from cd4ml.settings.project import read_project
from cd4ml.training.estimator import kinds_of


def load_build_model() -> Callable[..., Any]:
    """Return `build_model` of the team's model.py.

    Raises:
        ModelError: the file is absent, fails when it is imported, or holds no such function.
    """
    project = read_project()
    if not project.model.exists():
        raise ModelError(f"{project.model} is not here; pyproject.toml names the package under [tool.cd4ml]")
    source = str(project.model.parent.parent.absolute())
    if source not in sys.path:
        sys.path.insert(0, source)
    try:
        module = importlib.import_module(f"{project.package}.model")
        build: Callable[..., Any] | None = getattr(module, "build_model", None)
    except Exception as failure:
        raise ModelError(_blame(failure)) from failure
    if not callable(build):
        raise ModelError(f"{project.model} has no function build_model; write one that returns an unfitted pipeline")
    return build


def configured(params: Params, task: Task, features: Columns) -> Any:
    """Return the unfitted model that model.py builds with the keys of `model:` in params.yaml.

    Raises:
        ParamsError: a key that `build_model` does not take, or a value of another type, with its line.
        ModelError: `build_model` failed, or its model cannot answer as the task needs.
    """
    model = built(params.model, task, features, under=("model",))
    if task != "regression" and not hasattr(model, "predict_proba"):
        raise ModelError(
            f"{read_project().model}: this classifier gives no probabilities; build one with predict_proba"
        )
    return model


def built(settings: Mapping[str, Any], task: Task, features: Columns, under: tuple[str, ...]) -> Any:
    """Return what model.py builds with settings that stand in params.yaml below the keys `under`.

    Raises:
        ParamsError: a key that `build_model` does not take, or a value of another type, with its line.
        ModelError: `build_model` failed; with its line.
    """
    numbers, categories = kinds_of(features)
    build = validate_call(config=ConfigDict(strict=True, arbitrary_types_allowed=True))(load_build_model())
    try:
        return build(task, numbers, categories, **settings)
    except ValidationError as invalid:
        raise ParamsError(describe_errors(paths.PARAMS, invalid, ParamsError, under=under)) from None
    except UserError:
        raise
    except Exception as failure:
        raise ModelError(_blame(failure)) from failure


def types_of_settings() -> dict[str, Any]:
    """Return the types that `build_model` names for what it takes."""
    return get_type_hints(load_build_model())


def _blame(failure: Exception) -> str:
    """Return what went wrong in the team's code, with file and line."""
    model = read_project().model
    return f"{locate(failure, model.parent) or model}: {describe(failure)}"
