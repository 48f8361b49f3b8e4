"""What a run holds, where it goes, where it comes from; and the model that MLflow loads."""

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
from cd4ml.tracking.address import TrackingAddress, TrackingError
from cd4ml.tracking.lineage import Lineage
from cd4ml.tracking.model_folder import model_folder
from cd4ml.tracking.run_content import environment, flat, flat_metrics
from cd4ml.tracking.run_files import for_the_page
from mlflow.models import Model


def test_settings_become_parameters_by_their_path():
    said = {"model": {"depth": 3, "rate": 0.1, "on": None, "of": ["a", "b"]}, "name": "x", "long": "y" * 2000}

    flattened = flat(said)

    assert flattened.pop("long") == "y" * 999 + "…"
    assert flattened.pop("model.of") == '["a", "b"]'
    assert flattened == {"model.depth": "3", "model.rate": "0.1", "model.on": "null", "name": "x"}


def test_metrics_are_flat_and_without_what_could_not_be_computed():
    said = {"rows": 9, "auc": 0.7, "gap": None, "intervals": {"auc": {"low": 0.6, "high": 0.8}, "gap": None},
            "baseline": {"auc": 0.5, "gap": None}}  # fmt: skip

    assert flat_metrics(said) == {"rows": 9, "auc": 0.7, "auc_low": 0.6, "auc_high": 0.8, "baseline_auc": 0.5}


def test_the_environment_names_python_and_every_library():
    told = environment()

    assert told["python"] == ".".join(map(str, sys.version_info[:3]))
    assert told["libraries"]["mlflow"] == mlflow.__version__


def test_the_card_is_shown_without_what_the_page_cannot_show():
    card = "<details><summary>How to read</summary>\n\n- ROC\n\n</details>\n\n![ROC curve](pictures/roc.svg)\n"

    assert for_the_page(card) == "**How to read**\n\n- ROC\n\n\nROC curve: `reports/pictures/roc.svg`\n\n"


ADDRESSES = {
    "http://ada:s3cret@mlflow.example.org:5000/": "http://mlflow.example.org:5000",
    "https://ada:p%40ss%2Fword@mlflow.example.org/base": "https://mlflow.example.org/base",
    "postgresql+psycopg://ada:s3cret@db/runs?sslpassword=t0ken": "postgresql+psycopg://db/runs",
    "https://mlflow.example.org": "https://mlflow.example.org",
    "sqlite:///mlflow.db": "sqlite:///mlflow.db",
    "": "sqlite:///mlflow.db",
}


@pytest.mark.parametrize(("uri", "address"), ADDRESSES.items())
def test_an_address_is_shown_without_its_credentials(uri, address):
    where = TrackingAddress.read({"MLFLOW_TRACKING_URI": uri, "MLFLOW_TRACKING_TOKEN": "t0ps3cret"})
    said = where.without_secrets(f"cannot reach {uri} as ada with p@ss/word or p%40ss%2Fword, s3cret, t0ken, t0ps3cret")

    assert where.address == address
    told = said + repr(where) + where.key
    hidden = [secret for secret in ("s3cret", "p@ss/word", "p%40ss", "t0ken") if secret in uri] + ["t0ps3cret"]
    assert not [secret for secret in hidden if secret in told]


def test_credentials_of_an_address_reach_mlflow_apart_from_it():
    settings = TrackingAddress.read({"MLFLOW_TRACKING_URI": "http://ada:p%40ss@127.0.0.1:5000"}).settings()

    assert settings["MLFLOW_TRACKING_URI"] == "http://127.0.0.1:5000"
    assert (settings["MLFLOW_TRACKING_USERNAME"], settings["MLFLOW_TRACKING_PASSWORD"]) == ("ada", "p@ss")
    assert settings["MLFLOW_DISABLE_TELEMETRY"] == "true"


@pytest.mark.parametrize("uri", ["http://[::1", "http://host:port"])
def test_what_is_no_address_is_refused(uri):
    with pytest.raises(TrackingError, match="MLFLOW_TRACKING_URI is no address"):
        TrackingAddress.read({"MLFLOW_TRACKING_URI": uri})


def test_a_workflow_is_named_by_the_address_of_its_run():
    github = {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "org/houses", "GITHUB_RUN_ID": "7", "GITHUB_ACTOR": "ada"}

    tags = Lineage.here(github).tags()

    assert tags["workflow"] == "https://github.com/org/houses/actions/runs/7"
    assert (tags["mlflow.user"], tags["mlflow.source.type"]) == ("ada", "JOB")


def test_a_remote_is_named_without_its_credentials(tmp_path):
    for words in (["init", "--quiet"], ["remote", "add", "origin", "https://ada:s3cret@github.com/org/houses.git"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)

    assert Lineage.here({}).tags()["mlflow.source.git.repoURL"] == "https://github.com/org/houses.git"


ASK = """
import sys
from pathlib import Path
sys.path[:] = [path for path in sys.path if not path.endswith("/src")]  # where this project's own code lies
import mlflow, pandas as pd
for folder in map(Path, sys.argv[1:]):
    mlflow.pyfunc.load_model(str(folder)).predict(pd.read_parquet(folder / "table")).to_json(folder / "said")
import PACKAGE
assert Path(PACKAGE.__file__).is_relative_to(sys.argv[1]), PACKAGE.__file__
"""


@pytest.fixture
def bundles(tiny_projects, tmp_path):
    """A bundle of each problem, and one that runs on scikit-learn."""
    fallen_back = copy.copy(tiny_projects["binary"])
    fallen_back.folder = tmp_path / "project"
    shutil.copytree(tiny_projects["binary"].folder, fallen_back.folder)
    fallen_back.replace("params.yaml", "model:", "package: {runtime: sklearn}\nmodel:")
    fallen_back.run("package")
    made = {problem: Bundle.load(project.bundle) for problem, project in tiny_projects.items()}
    return made | {"on scikit-learn": Bundle.load(fallen_back.bundle)}


def test_the_model_answers_as_the_bundle_with_the_code_that_it_carries(bundles, tiny_projects, tmp_path):
    table = tiny_projects["binary"].table
    table["built"] = pd.to_datetime(table["built"])
    for name, bundle in bundles.items():
        with model_folder(bundle, Model()) as folder:
            shutil.copytree(folder, tmp_path / name)
        table.to_parquet(tmp_path / name / "table")

    program = ASK.replace("PACKAGE", "cd4ml")
    done = subprocess.run(
        [sys.executable, "-c", program, *(str(tmp_path / name) for name in bundles)],
        capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    for name, bundle in bundles.items():
        said = pd.read_json(tmp_path / name / "said", precise_float=True)
        scores = bundle.scores(columns_of_table(table, bundle.contract))
        assert said.pop("prediction").tolist() == pytest.approx(bundle.decision.predictions(scores))
        expected = {"binary": scores[..., 1:], "multiclass": scores, "regression": np.empty((len(table), 0))}
        np.testing.assert_allclose(said.to_numpy(), expected[bundle.manifest.task], atol=1e-9)
        requirements = (tmp_path / name / "requirements.txt").read_text()
        assert ("scikit-learn==" in requirements) == (name == "on scikit-learn")
        assert not list((tmp_path / name).rglob("*.pkl"))


def test_the_model_tells_what_it_takes(tiny_bundle):
    with model_folder(Bundle.load(tiny_bundle), Model()) as folder:
        info = mlflow.models.get_model_info(str(folder))
        example = mlflow.pyfunc.load_model(str(folder)).input_example

    asked = {column.name: (column.type.name, column.required) for column in info.signature.inputs.inputs}
    assert asked["size"] == ("double", True)
    assert asked["rooms"] == ("long", True)
    assert asked["heated"] == ("boolean", False)
    assert asked["built"] == ("datetime", False)
    assert [column.name for column in info.signature.outputs.inputs] == ["prediction", "probability"]
    assert len(example) == 10
    assert isinstance(example, pd.DataFrame)
