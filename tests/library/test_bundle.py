"""A bundle is whole or refused, in one line; the same inputs give the same bytes; it answers as the pipeline did."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.table import columns_of_table
from cd4ml.errors import BundleError, ModelError
from cd4ml.training import skops_file
from cd4ml.training.estimator import answers


@pytest.fixture
def bundle(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A bundle that may be harmed."""
    return Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))


def test_a_bundle_answers_as_the_pipeline_it_was_made_of(tiny_projects):
    for problem, project in tiny_projects.items():
        bundle = Bundle.load(project.bundle)
        model = skops_file.load(project.folder / "models/pipeline.skops")
        columns = columns_of_table(pd.read_parquet(project.folder / "data/holdout.parquet"), bundle.contract)

        assert bundle.manifest.runtime == "onnx"
        assert bundle.manifest.reason.startswith("ONNX, proved equal to the pipeline on ")
        expected = answers(model, bundle.code.derive(columns), bundle.contract.task)
        tolerance = 1e-5 * (expected.std() if problem == "regression" else 1)
        np.testing.assert_allclose(bundle.scores(columns), expected, rtol=0, atol=tolerance)


def test_a_bundle_carries_rows_with_the_pipelines_answers(tiny_bundles):
    for problem, folder in tiny_bundles.items():
        bundle = Bundle.load(folder)
        examples = bundle.examples()
        scores = bundle.scores_of_rows(examples["rows"])

        assert len(examples["rows"]) == 10
        if problem == "regression":
            assert examples["probabilities"] is None
            np.testing.assert_allclose(bundle.decision.predictions(scores), examples["predictions"], rtol=1e-5)
        else:
            assert bundle.decision.predictions(scores) == examples["predictions"]


@pytest.mark.parametrize(
    "name", ["bundle.json", "contract.json", "features.py", "model.onnx", "reference.json", "examples.json"]
)
@pytest.mark.parametrize("harm", ["cut short", "altered", "removed"])
def test_a_harmed_bundle_is_refused_in_one_line(bundle, name, harm):
    content = (bundle / name).read_bytes()
    if harm == "removed":
        (bundle / name).unlink()
    elif harm == "cut short":
        (bundle / name).write_bytes(content[: len(content) // 2])
    else:
        middle = len(content) // 2
        (bundle / name).write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])

    with pytest.raises(BundleError) as refusal:
        Bundle.load(bundle)

    assert len(str(refusal.value).splitlines()) == 1
    assert "make train" in str(refusal.value)


def test_an_altered_threshold_is_refused(bundle):
    manifest = json.loads((bundle / "bundle.json").read_text())
    (bundle / "bundle.json").write_text(json.dumps(manifest | {"threshold": 0.99}))

    with pytest.raises(BundleError, match="it no longer has its digest"):
        Bundle.load(bundle)


def test_a_file_that_is_not_the_bundles_is_refused(bundle):
    (bundle / "notes.txt").write_text("hello")

    with pytest.raises(BundleError, match=r"notes\.txt is not one of its files"):
        Bundle.load(bundle)


def test_a_bundle_of_a_later_format_is_refused(bundle):
    manifest = json.loads((bundle / "bundle.json").read_text())
    (bundle / "bundle.json").write_text(json.dumps(manifest | {"format": 99, "novelty": True}))

    with pytest.raises(BundleError, match=r"is of format 99, this code reads \d+; update cd4ml"):
        Bundle.load(bundle)


def test_an_absent_bundle_says_how_to_make_one(tmp_path):
    with pytest.raises(BundleError, match=r"no bundle in nowhere; run `make train`"):
        Bundle.load(Path("nowhere"))


def test_loading_and_answering_leaves_the_folder_as_it_was(bundle):
    before = sorted(path.name for path in bundle.rglob("*"))

    loaded = Bundle.load(bundle)
    loaded.scores_of_rows(loaded.examples()["rows"])

    assert sorted(path.name for path in bundle.rglob("*")) == before


def test_the_version_names_the_newest_day_and_the_digest(tiny_bundle):
    bundle = Bundle.load(tiny_bundle)

    assert bundle.version == f"2024-06-30.{bundle.manifest.digest[:7]}"


def test_the_same_inputs_give_the_same_bytes(tiny_projects, tmp_path):
    project = tiny_projects["binary"]
    again = tmp_path / "again"
    shutil.copytree(project.folder, again, ignore=shutil.ignore_patterns("models", "*.parquet"))

    type(project).run(_at(project, again), "ingest", "validate", "split", "train", "package")

    for path in project.folder.glob("models/**/*.*"):
        assert path.read_bytes() == (again / path.relative_to(project.folder)).read_bytes(), path.name


def _at(project, folder):
    moved = object.__new__(type(project))
    moved.folder = folder
    return moved


def test_another_model_gives_another_version(tiny_projects, tmp_path):
    project = tiny_projects["binary"]
    again = _at(project, Path(shutil.copytree(project.folder, tmp_path / "again")))
    again.replace("params.yaml", "iterations: 10", "iterations: 11")

    again.run("train", "package")

    assert Bundle.load(again.bundle).version != Bundle.load(project.bundle).version


def test_a_model_with_types_of_an_untrusted_library_is_refused(tmp_path):
    class Mine:
        pass

    Mine.__module__ = "mine"
    with pytest.raises(ModelError, match=r"types that are not trusted: mine\.|cannot be saved without pickle"):
        skops_file.save({"model": Mine()}, tmp_path / "model.skops")


def test_a_bundle_of_an_earlier_format_is_to_be_trained_again(tiny_bundle, tmp_path):
    folder = Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))
    manifest = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    (folder / "bundle.json").write_text(json.dumps(manifest | {"format": 1}), encoding="utf-8")

    with pytest.raises(BundleError, match=r"is of format 1, this code reads \d+; train it again"):
        Bundle.load(folder)
