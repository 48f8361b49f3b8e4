"""Log a bundle as an MLflow model: its files, the library's packages that read them, and no pickled Python object."""

import shutil
from importlib.metadata import packages_distributions, version
from pathlib import Path
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
from cd4ml.files.temporary import temporary_folder
from cd4ml.tracking import mlflow_model

_LIBRARY = Path(__file__).parents[1]
# `training`, which only a scikit-learn model needs, is in every model: a process that loads several models imports the
# library's copy of one of them for all.
_SERVES = {"__init__.py", "errors.py", "bundle", "contract", "files", "settings", "training"}
_REQUIREMENTS = ["mlflow", "msgspec", "numpy", "onnxruntime", "pandas", "pydantic"]


def upload(bundle: Bundle, model_id: str, run_id: str) -> None:
    """Upload a bundle as a model that was created for a run; MLflow sets it to ready at the end."""
    with temporary_folder("model-") as folder:
        library = shutil.copytree(_LIBRARY, folder / _LIBRARY.name, ignore=_what_does_not_serve)
        Model.log(
            artifact_path=None,
            model_id=model_id,
            run_id=run_id,
            flavor=mlflow.pyfunc,
            python_model=mlflow_model.__file__,
            artifacts={"bundle": str(bundle.folder.absolute())},
            code_paths=[str(library)],
            pip_requirements=[f"{library}=={version(library)}" for library in requirements(bundle.manifest)],
            signature=_signature(bundle.contract, bundle.manifest),
            input_example=_example_table(bundle),
        )


def predicts_as_bundle(model_uri: str, bundle: Bundle) -> bool:
    """Return whether a model, loaded from where it was logged, predicts what the bundle predicts for its examples."""
    predictions = mlflow.pyfunc.load_model(model_uri).predict(_example_table(bundle))
    expected = bundle.decision.predictions(bundle.scores_of_rows(bundle.examples()["rows"]))
    return bool(predictions["prediction"].tolist() == expected)


def requirements(manifest: Manifest) -> list[str]:
    """Return the libraries that a bundle's model needs; on scikit-learn also those that it trusts, such as LightGBM."""
    if manifest.runtime != "sklearn":
        return _REQUIREMENTS
    distributions = packages_distributions()
    trusted = {entry.partition(".")[0] for entry in manifest.trusted_types}
    trusted_names = sorted({distributions[name][0] for name in trusted if name in distributions})
    return [*_REQUIREMENTS, "scikit-learn", "skops", *trusted_names]


def _what_does_not_serve(folder: str, names: list[str]) -> set[str]:
    return set(names) - _SERVES if Path(folder) == _LIBRARY else {"__pycache__"}


def _signature(contract: Contract, manifest: Manifest) -> ModelSignature:
    """Return the columns by which MLflow checks a table: the contract's, optional if they are nullable."""
    columns = contract.columns.items()
    inputs = [ColSpec(_mlflow_type(column), name, required=not column.nullable) for name, column in columns]
    prediction = {"regression": DataType.double, "binary": DataType.boolean, "multiclass": DataType.string}
    types = [prediction[manifest.task], *[DataType.double] * len(manifest.classes)]
    names = mlflow_model.output_names(manifest)
    outputs = [ColSpec(type_, name) for type_, name in zip(types, names, strict=False)]
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


def _example_table(bundle: Bundle) -> pd.DataFrame:
    """Return the rows of the bundle's examples, with nulls, as a table of the types in the signature."""
    rows = bundle.examples()["rows"]
    columns = bundle.contract.columns.items()
    return pd.DataFrame({name: _series([row[name] for row in rows], column) for name, column in columns})


def _series(values: list[Any], column: Column) -> "pd.Series[Any]":
    match column.type:
        case "boolean" | "category":
            return pd.Series(values, dtype=object)
        case "timestamp":
            return pd.Series(normalize(values, column))
        case _:
            whole = column.type == "integer" and not column.nullable
            return pd.Series(np.array(values, dtype=np.int64 if whole else np.float64))
