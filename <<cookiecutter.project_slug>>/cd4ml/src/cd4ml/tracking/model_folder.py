"""A folder in MLflow's form, made from a bundle: its files, the modules that read them, and what joins the two.

No Python object is pickled, and what it needs installed is little.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, DataType, Schema

from cd4ml.bundle.bundle import Bundle
from cd4ml.bundle.manifest import Manifest
from cd4ml.contract.column import Column
from cd4ml.contract.columns import normalize
from cd4ml.contract.contract import Contract
from cd4ml.tracking.address import TrackingError
from cd4ml.tracking.mlflow_model import answer_names

_LIBRARY = Path(__file__).parents[1]

# Those for scikit-learn always, since a process imports one copy of the library for all models that it loads.
_COPIED = ["__init__.py", "errors.py", "bundle", "contract", "files", "training",
           "tracking/__init__.py", "tracking/mlflow_model.py"]  # fmt: skip
_REQUIREMENTS = ["mlflow", "msgspec", "numpy", "onnxruntime", "pandas", "pydantic"]
_REQUIREMENTS_OF_SKLEARN = ["scikit-learn", "skops"]

_JOIN = '''\
"""Joins the bundle to the code that answers from it."""

from mlflow.models import set_model

from cd4ml.tracking.mlflow_model import BundleModel

set_model(BundleModel())
'''


@contextmanager
def model_folder(bundle: Bundle, description: Model) -> Iterator[Path]:
    """Yield a folder that holds the bundle in MLflow's form, after asking it for the bundle's examples.

    Args:
        bundle: what it carries.
        description: which run and logged model it belongs to; completed here.

    Raises:
        TrackingError: it answers otherwise than the bundle.
    """
    requirements = _REQUIREMENTS + (_REQUIREMENTS_OF_SKLEARN if bundle.manifest.runtime == "sklearn" else [])
    with TemporaryDirectory() as name:
        here = Path(name)
        for part in _COPIED:
            _copy(_LIBRARY / part, here / "cd4ml" / part)
        (here / "model.py").write_text(_JOIN, encoding="utf-8")
        shutil.copytree(bundle.folder, here / "bundle")
        made = here / "model"
        mlflow.pyfunc.save_model(
            path=str(made),
            mlflow_model=description,
            python_model=str(here / "model.py"),
            artifacts={"bundle": str(here / "bundle")},
            code_paths=[str(here / "cd4ml")],
            pip_requirements=[f"{library}=={version(library)}" for library in requirements],
            signature=signature(bundle.contract, bundle.manifest),
            input_example=example_table(bundle),
        )
        _compare(made, bundle)
        for compiled in list(made.rglob("__pycache__")):
            shutil.rmtree(compiled)
        yield made


def _copy(part: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    if part.is_dir():
        shutil.copytree(part, to, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(part, to)


def _compare(made: Path, bundle: Bundle) -> None:
    answers = mlflow.pyfunc.load_model(str(made)).predict(example_table(bundle))
    expected = bundle.decision.predictions(bundle.scores_of_rows(bundle.examples()["rows"]))
    if answers["prediction"].tolist() != expected:
        raise TrackingError(
            f"as an MLflow model, bundle {bundle.version} would answer otherwise; nothing was published"
        )


def signature(contract: Contract, manifest: Manifest) -> ModelSignature:
    """Return what MLflow checks of a table: every column of the contract, optional where it may be null."""
    columns = contract.columns.items()
    asked = [ColSpec(_type_of(column), name, required=not column.nullable) for name, column in columns]
    first = {"regression": DataType.double, "binary": DataType.boolean, "multiclass": DataType.string}
    kinds = [first[manifest.task], *[DataType.double] * len(manifest.classes)]
    answered = [ColSpec(kind, name) for kind, name in zip(kinds, answer_names(manifest), strict=False)]
    return ModelSignature(Schema([*asked]), Schema([*answered]))


def _type_of(column: Column) -> DataType:
    if column.type == "integer" and column.nullable:
        return DataType.double  # as pandas holds whole numbers among nulls
    kinds = {
        "number": DataType.double,
        "integer": DataType.long,
        "boolean": DataType.boolean,
        "category": DataType.string,
        "timestamp": DataType.datetime,
    }
    return kinds[column.type]


def example_table(bundle: Bundle) -> pd.DataFrame:
    """Return the rows of the bundle's examples, nulls included, as a table of the types that `signature` asks for."""
    rows = bundle.examples()["rows"]
    series = {name: _series([row[name] for row in rows], column) for name, column in bundle.contract.columns.items()}
    return pd.DataFrame(series)


def _series(values: list[Any], column: Column) -> "pd.Series[Any]":
    match column.type:
        case "boolean" | "category":
            return pd.Series(values, dtype=object)
        case "timestamp":
            return pd.Series(normalize(values, column))
        case _:
            whole = column.type == "integer" and not column.nullable
            return pd.Series(np.array(values, dtype=np.int64 if whole else np.float64))
