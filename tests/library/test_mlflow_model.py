"""The bundle as an MLflow model predicts what the bundle predicts, with the code that the model contains."""

import shutil
import subprocess
import sys

import mlflow
import numpy as np
import pandas as pd
import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.cli import main
from cd4ml.contract.table import columns_of_table
from tracked_project import PROJECT

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
def models(track, projects_with_reports, tmp_path):
    """A bundle of each task, and one that runs on scikit-learn, each with the folder of its model in MLflow."""
    on_sklearn = projects_with_reports["binary"].copy_to(tmp_path / "on_sklearn")
    on_sklearn.replace("params.yaml", "model:", "package: {runtime: sklearn}\nmodel:")
    on_sklearn.run("package", "evaluate")
    models = {}
    for name, project in (projects_with_reports | {"on scikit-learn": on_sklearn}).items():
        copied = project.copy_to(tmp_path / f"{name} project")  # the receipt is written there
        with copied.inside():
            assert main(["track", "--alias", "champion"]) == 0
        version = track.client.get_model_version_by_alias(PROJECT, "champion")
        uploaded = track.folder / "mlartifacts/models" / version.source.removeprefix("models:/") / "artifacts"
        models[name] = Bundle.load(copied.bundle), shutil.copytree(uploaded, tmp_path / name)
    return models


def test_the_model_predicts_what_the_bundle_predicts_with_the_code_in_the_model(models, tiny_projects, tmp_path):
    table = tiny_projects["binary"].table
    table["built"] = pd.to_datetime(table["built"])
    for _, folder in models.values():
        table.to_parquet(folder / "table")

    done = subprocess.run(
        [sys.executable, "-c", PREDICT, *(str(folder) for _, folder in models.values())],
        capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    for name, (bundle, folder) in models.items():
        predictions = pd.read_json(folder / "predictions", precise_float=True)
        scores = bundle.scores(columns_of_table(table, bundle.contract))
        assert predictions.pop("prediction").tolist() == pytest.approx(bundle.decision.predictions(scores))
        expected = {"binary": scores[..., 1:], "multiclass": scores, "regression": np.empty((len(table), 0))}
        np.testing.assert_allclose(predictions.to_numpy(), expected[bundle.manifest.task], atol=1e-9)
        requirements = (folder / "requirements.txt").read_text()
        assert ("scikit-learn==" in requirements) == (name == "on scikit-learn")
        assert not list(folder.rglob("*.pkl"))
        assert {path.name for path in (folder / "code").iterdir()} == {"cd4ml"}
        assert not (folder / "code/cd4ml/serving").exists()


def test_the_model_has_a_signature_and_an_input_example(track):
    track()

    info = mlflow.models.get_model_info(f"models:/{PROJECT}@challenger")
    example = mlflow.pyfunc.load_model(f"models:/{PROJECT}@challenger").input_example

    inputs = {column.name: (column.type.name, column.required) for column in info.signature.inputs.inputs}
    assert inputs["size"] == ("double", True)
    assert inputs["rooms"] == ("long", True)
    assert inputs["heated"] == ("boolean", False)
    assert inputs["built"] == ("datetime", False)
    assert [column.name for column in info.signature.outputs.inputs] == ["prediction", "probability"]
    assert len(example) == 10
    assert isinstance(example, pd.DataFrame)


def test_a_model_that_predicts_something_else_from_mlflow_is_not_registered(track, monkeypatch):
    scores = Bundle.scores_of_rows
    monkeypatch.setattr(Bundle, "scores_of_rows", lambda bundle, rows: 1 - scores(bundle, rows))

    assert "predicts something else when MLflow loads it; it is not registered" in track(fails=True)
    assert not track.versions()
    assert not track.models()
