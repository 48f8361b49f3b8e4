"""The bundle as an MLflow model predicts what the bundle predicts, with the code that the model contains."""

import copy
import shutil
import subprocess
import sys

import mlflow
import numpy as np
import pandas as pd
import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.table import columns_of_table
from cd4ml.tracking.model_folder import model_folder
from mlflow.models import Model

PREDICT = """
import sys
from pathlib import Path
sys.path[:] = [path for path in sys.path if not path.endswith("/src")]  # without the library's own source
import mlflow, pandas as pd
for folder in map(Path, sys.argv[1:]):
    mlflow.pyfunc.load_model(str(folder)).predict(pd.read_parquet(folder / "table")).to_json(folder / "predictions")
import cd4ml
assert Path(cd4ml.__file__).is_relative_to(sys.argv[1]), cd4ml.__file__
"""


@pytest.fixture
def bundles(tiny_projects, tmp_path):
    """A bundle of each task, and one that runs on scikit-learn."""
    on_sklearn = copy.copy(tiny_projects["binary"])
    on_sklearn.folder = tmp_path / "project"
    shutil.copytree(tiny_projects["binary"].folder, on_sklearn.folder)
    on_sklearn.replace("params.yaml", "model:", "package: {runtime: sklearn}\nmodel:")
    on_sklearn.run("package")
    bundles = {task: Bundle.load(project.bundle) for task, project in tiny_projects.items()}
    return bundles | {"on scikit-learn": Bundle.load(on_sklearn.bundle)}


def test_the_model_predicts_what_the_bundle_predicts_with_the_code_in_the_model(bundles, tiny_projects, tmp_path):
    table = tiny_projects["binary"].table
    table["built"] = pd.to_datetime(table["built"])
    for name, bundle in bundles.items():
        with model_folder(bundle, Model()) as folder:
            shutil.copytree(folder, tmp_path / name)
        table.to_parquet(tmp_path / name / "table")

    done = subprocess.run(
        [sys.executable, "-c", PREDICT, *(str(tmp_path / name) for name in bundles)],
        capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    for name, bundle in bundles.items():
        predictions = pd.read_json(tmp_path / name / "predictions", precise_float=True)
        scores = bundle.scores(columns_of_table(table, bundle.contract))
        assert predictions.pop("prediction").tolist() == pytest.approx(bundle.decision.predictions(scores))
        expected = {"binary": scores[..., 1:], "multiclass": scores, "regression": np.empty((len(table), 0))}
        np.testing.assert_allclose(predictions.to_numpy(), expected[bundle.manifest.task], atol=1e-9)
        requirements = (tmp_path / name / "requirements.txt").read_text()
        assert ("scikit-learn==" in requirements) == (name == "on scikit-learn")
        assert not list((tmp_path / name).rglob("*.pkl"))


def test_the_model_has_a_signature_and_an_input_example(tiny_bundle):
    with model_folder(Bundle.load(tiny_bundle), Model()) as folder:
        info = mlflow.models.get_model_info(str(folder))
        example = mlflow.pyfunc.load_model(str(folder)).input_example

    inputs = {column.name: (column.type.name, column.required) for column in info.signature.inputs.inputs}
    assert inputs["size"] == ("double", True)
    assert inputs["rooms"] == ("long", True)
    assert inputs["heated"] == ("boolean", False)
    assert inputs["built"] == ("datetime", False)
    assert [column.name for column in info.signature.outputs.inputs] == ["prediction", "probability"]
    assert len(example) == 10
    assert isinstance(example, pd.DataFrame)
