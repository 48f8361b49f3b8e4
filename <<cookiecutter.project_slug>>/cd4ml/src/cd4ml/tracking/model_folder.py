"""Write a bundle as a folder in MLflow's model format: its files, the library's modules that read them, and a loader.

The folder holds no pickled Python object, and the model requires only a few installed libraries.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import packages_distributions, version
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
from cd4ml.tracking.mlflow_model import output_names

_LIBRARY = Path(__file__).parents[1]

# `training`, which only a scikit-learn model needs, is in every model: a process that loads several models imports the
# library's copy of one of them for all.
_COPIED = ["__init__.py", "errors.py", "bundle", "contract", "files", "settings", "training",
           "tracking/__init__.py", "tracking/mlflow_model.py"]  # fmt: skip
_REQUIREMENTS = ["mlflow", "msgspec", "numpy", "onnxruntime", "pandas", "pydantic"]
_SKLEARN_REQUIREMENTS = ["scikit-learn", "skops"]

_LOADER = '''\
"""Tell MLflow which class loads the bundle and predicts."""

from mlflow.models import set_model

from cd4ml.tracking.mlflow_model import BundleModel

set_model(BundleModel())
'''


@contextmanager
def model_folder(bundle: Bundle, description: Model) -> Iterator[Path]:
    """Yield a temporary folder with the bundle in MLflow's format, after checking its predictions of the examples.

    Args:
        bundle: the bundle to write.
        description: the run and logged model that the folder belongs to; completed here.

    Raises:
        TrackingError: its predictions differ from the bundle's.
    """
    requirements = _REQUIREMENTS + (
        _sklearn_requirements(bundle.manifest) if bundle.manifest.runtime == "sklearn" else []
    )
    with TemporaryDirectory() as name:
        scratch = Path(name)
        for part in _COPIED:
            _copy(_LIBRARY / part, scratch / "cd4ml" / part)
        (scratch / "model.py").write_text(_LOADER, encoding="utf-8")
        shutil.copytree(bundle.folder, scratch / "bundle")
        folder = scratch / "model"
        mlflow.pyfunc.save_model(
            path=str(folder),
            mlflow_model=description,
            python_model=str(scratch / "model.py"),
            artifacts={"bundle": str(scratch / "bundle")},
            code_paths=[str(scratch / "cd4ml")],
            pip_requirements=[f"{library}=={version(library)}" for library in requirements],
            signature=signature(bundle.contract, bundle.manifest),
            input_example=example_table(bundle),
        )
        _check_predictions(folder, bundle)
        for compiled in list(folder.rglob("__pycache__")):
            shutil.rmtree(compiled)
        yield folder


def _sklearn_requirements(manifest: Manifest) -> list[str]:
    """Return what a model that runs on scikit-learn needs besides: the packages that it trusts, such as LightGBM."""
    distributions = packages_distributions()
    trusted = {entry.partition(".")[0] for entry in manifest.trusted_types}
    return _SKLEARN_REQUIREMENTS + sorted({distributions[name][0] for name in trusted if name in distributions})


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(source, target)


def _check_predictions(folder: Path, bundle: Bundle) -> None:
    predictions = mlflow.pyfunc.load_model(str(folder)).predict(example_table(bundle))
    expected = bundle.decision.predictions(bundle.scores_of_rows(bundle.examples()["rows"]))
    if predictions["prediction"].tolist() != expected:
        raise TrackingError(
            f"bundle {bundle.version} predicts something else when MLflow loads it; nothing was published"
        )


def signature(contract: Contract, manifest: Manifest) -> ModelSignature:
    """Return the columns by which MLflow checks a table: the contract's, optional if they are nullable."""
    columns = contract.columns.items()
    inputs = [ColSpec(_mlflow_type(column), name, required=not column.nullable) for name, column in columns]
    prediction = {"regression": DataType.double, "binary": DataType.boolean, "multiclass": DataType.string}
    types = [prediction[manifest.task], *[DataType.double] * len(manifest.classes)]
    outputs = [ColSpec(type_, name) for type_, name in zip(types, output_names(manifest), strict=False)]
    return ModelSignature(Schema([*inputs]), Schema([*outputs]))


def _mlflow_type(column: Column) -> DataType:
    if column.type == "integer" and column.nullable:
        return DataType.double  # pandas stores integers with nulls as floats
    types = {
        "number": DataType.double,
        "integer": DataType.long,
        "boolean": DataType.boolean,
        "category": DataType.string,
        "timestamp": DataType.datetime,
    }
    return types[column.type]


def example_table(bundle: Bundle) -> pd.DataFrame:
    """Return the rows of the bundle's examples, with nulls, as a table of the types in `signature`."""
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
