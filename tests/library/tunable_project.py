"""A project whose model is a small decision tree, which is fitted in milliseconds, and the verb `tune` in it."""

import functools
import subprocess
from collections.abc import Callable
from typing import Any

import optuna
import pytest
from cd4ml import cli
from cd4ml.training import build
from cd4ml.tuning import search, tune
from cd4ml.tuning.study import evaluated_trials
from house_project import Project
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

MODEL = """\
model: # ours
  depth: 1 # far too small
  share: 0.05
"""
TUNE = """\
tune:
  candidates: 6
  folds: 2
  factor: 2
  space:
    depth: {low: 2, high: 9}
    share: [0.02, 0.05]
"""


def small_tree(task, numbers, categories, *, depth: int = 3, share: float = 0.01, seed: int = 0):
    tree_type = DecisionTreeRegressor if task == "regression" else DecisionTreeClassifier
    only_numbers = ColumnTransformer([("numbers", "passthrough", [*numbers])])
    tree = tree_type(max_depth=depth, min_samples_leaf=share, random_state=seed)
    return Pipeline([("numbers", only_numbers), ("tree", tree)])


def use_small_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace build_model by `small_tree`, allow few rows, do not run DVC, and let no MLflow server answer."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setattr(build, "load_build_model", lambda: small_tree)
    monkeypatch.setattr(search, "LEAST_ROWS", 20)
    monkeypatch.setattr(tune, "reproduce", lambda *_: None)  # `make_tunable` has run the stages


def before_each_build(action: Callable[[dict[str, Any]], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Call `action` with the settings whenever a model is about to be built."""

    @functools.wraps(small_tree)
    def build_model(*arguments, **settings):
        action(settings)
        return small_tree(*arguments, **settings)

    monkeypatch.setattr(build, "load_build_model", lambda: build_model)


def make_tunable(project: Project, model: str = MODEL, tune: str = TUNE) -> Project:
    """Write `model:` and `tune:` into params.yaml, split the rows, and make the folder a git repository."""
    project.replace("params.yaml", "model:\n  iterations: 10\n", model + tune)
    project.run("ingest", "validate", "split")
    subprocess.run(["git", "init", "--quiet"], cwd=project.folder, check=True)
    return project


def run_tune(project: Project) -> int:
    """Run the verb; return its exit code."""
    with project.inside():
        return cli.main(["tune"])


def study_of(project: Project) -> optuna.Study:
    """Return the study of the project's only search."""
    storage = f"sqlite:///{project.folder}/.tuning/studies.db"
    (name,) = optuna.get_all_study_names(storage)
    return optuna.load_study(study_name=name, storage=storage)


def evaluated(project: Project) -> list[dict[str, Any]]:
    """Return what the study knows of each candidate that was evaluated."""
    return [trial.user_attrs for trial in evaluated_trials(study_of(project))]


def read_params(project: Project) -> str:
    return (project.folder / "params.yaml").read_text(encoding="utf-8")
