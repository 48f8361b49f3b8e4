"""Build the team's model: call `build_model` in model.py with the keys of `model:` in params.yaml."""

from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from pydantic import ConfigDict, ValidationError, validate_call

from cd4ml.contract.columns import Columns
from cd4ml.contract.contract import Task
from cd4ml.errors import ModelError, ParamsError, UserError
from cd4ml.files.yaml_file import describe_errors
from cd4ml.settings import paths
from cd4ml.settings.params import Params
from cd4ml.settings.project import read_project
from cd4ml.settings.team_module import explain, import_module
from cd4ml.training.estimator import numbers_and_categories


def load_build_model() -> Callable[..., Any]:
    """Return the function `build_model` of the team's model.py.

    Raises:
        ModelError: the file does not exist, fails when it is imported, or has no such function.
    """
    project = read_project()
    if not project.model.exists():
        raise ModelError(f"{project.model} does not exist; pyproject.toml names the package under [tool.cd4ml]")
    module = import_module(project.model, ModelError)
    build_model: Callable[..., Any] | None = getattr(module, "build_model", None)
    if not callable(build_model):
        raise ModelError(f"{project.model} has no function build_model; write one that returns an unfitted pipeline")
    return build_model


def build_configured_model(params: Params, task: Task, features: Columns) -> Any:
    """Return the unfitted model that model.py builds with the keys of `model:` in params.yaml.

    Raises:
        ParamsError: `build_model` does not take a key, or a value has the wrong type; with its line.
        ModelError: `build_model` failed, or returned a classifier without `predict_proba`.
    """
    model = build_model_with(params.model, task, features, under=("model",))
    if task != "regression" and not hasattr(model, "predict_proba"):
        raise ModelError(
            f"{read_project().model}: this classifier returns no probabilities; build one with predict_proba"
        )
    return model


def build_model_with(settings: Mapping[str, Any], task: Task, features: Columns, under: tuple[str, ...]) -> Any:
    """Return the model that model.py builds with `settings`, which stand below the keys `under` in params.yaml.

    Raises:
        ParamsError: `build_model` does not take a key, or a value has the wrong type; with its line.
        ModelError: `build_model` failed; with its line.
    """
    numbers, categories = numbers_and_categories(features)
    build_model = validate_call(config=ConfigDict(strict=True, arbitrary_types_allowed=True))(load_build_model())
    try:
        return build_model(task, numbers, categories, **settings)
    except ValidationError as invalid:
        raise ParamsError(describe_errors(paths.PARAMS, invalid, ParamsError, under=under)) from None
    except UserError:
        raise
    except Exception as failure:
        raise ModelError(explain(failure, read_project().model)) from failure


def setting_types() -> dict[str, Any]:
    """Return the type annotations of `build_model`'s arguments."""
    return get_type_hints(load_build_model())
