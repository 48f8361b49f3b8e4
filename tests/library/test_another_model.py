"""LightGBM and XGBoost, by the lines in docs/another-model.md of the library: trained, packaged, judged and served."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from candidate_models import CandidateModels, rejections
from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.table import columns_of_table
from cd4ml.errors import BundleError, ModelError
from cd4ml.gate.integrity import difference_from_pipeline
from cd4ml.serving.app import create_app
from cd4ml.serving.service_settings import ServiceSettings
from cd4ml.settings import paths
from cd4ml.tracking.logged_model import requirements
from cd4ml.training import skops_file
from cd4ml.training.estimator import predict_scores
from house_project import Project, houses
from starlette.testclient import TestClient

from tests.another_model import edited_model, edited_params

pytestmark = pytest.mark.slow
LIBRARIES = ("LightGBM", "XGBoost")
STAGES = ("ingest", "validate", "split", "train", "package", "evaluate")


def project_with(library: str, folder: Path, task: str) -> Project:
    """Return a project with the page's lines for a library; nothing of it has run."""
    module = importlib.import_module(library.lower())
    assert module.__version__
    project = Project(folder, task)
    project.write("src/houses/model.py", edited_model((folder / "src/houses/model.py").read_text(), library))
    project.write("params.yaml", edited_params((folder / "params.yaml").read_text(), library))
    return project


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("library", LIBRARIES)
def test_the_bundle_and_the_service_predict_what_the_pipeline_predicts(library, task, tmp_path):
    project = project_with(library, tmp_path, task)
    project.run(*STAGES)

    bundle = Bundle.load(project.bundle)
    assert bundle.manifest.runtime == "sklearn"
    assert "because the model cannot be shipped as ONNX: it cannot be converted" in bundle.manifest.reason
    columns = columns_of_table(houses(2000, seed=7), bundle.contract)
    model = skops_file.load(tmp_path / paths.PIPELINE, bundle.manifest.trusted_types)
    expected = predict_scores(model, bundle.code.derive(columns), task)
    np.testing.assert_array_equal(bundle.scores(columns), expected)
    assert expected.std() > 0
    assert difference_from_pipeline(bundle, tmp_path / paths.PIPELINE, columns) is None

    examples = bundle.examples()
    with TestClient(create_app(project.bundle, ServiceSettings())) as client:
        body = client.post("/predict", json={"rows": examples["rows"]}).json()
    assert body["predictions"] == examples["predictions"]


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_same_inputs_give_the_same_bytes(library, tmp_path):
    projects = [project_with(library, tmp_path / name, "binary") for name in ("one", "other")]
    for project in projects:
        project.run(*STAGES)

    one, other = (Bundle.load(project.bundle).manifest for project in projects)
    assert one == other


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_gate_judges_it(library, tmp_path):
    project = project_with(library, tmp_path, "binary")
    project.table = houses(rows=3000)
    project.replace("params.yaml", "iterations: 10", "iterations: 60")  # with fewer, they are not calibrated
    project.run(*STAGES)
    candidates = CandidateModels(project)

    verdict = candidates.judge(Bundle.load(project.bundle))

    assert {finding.rule: finding.result for finding in verdict.findings}["answers"] == "passed"
    assert rejections(verdict) == {}


@pytest.mark.parametrize("library", LIBRARIES)
def test_without_the_setting_the_types_are_named_and_nothing_is_packaged(library, tmp_path):
    project = project_with(library, tmp_path, "binary")
    project.replace("params.yaml", "trusted_types: [", "trusted_types: [] # [")
    project.run("ingest", "validate", "split", "train")

    with pytest.raises(ModelError, match=r"package\.trusted_types in params\.yaml$") as error:
        project.run("package")

    assert f"{library.lower()}." in str(error.value)
    assert not project.bundle.exists()


def test_an_entry_trusts_what_it_names_and_nothing_that_only_begins_alike(tmp_path):
    project = project_with("LightGBM", tmp_path, "binary")
    project.replace("params.yaml", "[lightgbm, collections.OrderedDict]", "[light, collections]")
    project.run("ingest", "validate", "split", "train")

    with pytest.raises(ModelError) as error:
        project.run("package")

    assert "lightgbm.basic.Booster" in str(error.value)
    assert "OrderedDict" not in str(error.value)


def test_mlflow_is_told_which_package_the_model_needs(tmp_path):
    project = project_with("LightGBM", tmp_path, "binary")
    project.run(*STAGES)

    assert "lightgbm" in requirements(Bundle.load(project.bundle).manifest)


def test_a_library_that_is_missing_where_it_serves_is_an_error_in_one_line(tmp_path, monkeypatch):
    project = project_with("LightGBM", tmp_path, "binary")
    project.run(*STAGES)
    monkeypatch.setattr(skops_file, "_check_types", lambda *_: importlib.import_module("lightgbm_that_is_missing"))

    with pytest.raises(BundleError, match=r"model\.skops cannot be loaded \(.*lightgbm_that_is_missing") as error:
        Bundle.load(project.bundle)

    assert len(str(error.value).splitlines()) == 1
