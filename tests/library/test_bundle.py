"""A bundle gives its pipeline's scores; a damaged one is rejected; the same inputs give the same bytes."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.bundle.manifest import FORMAT
from cd4ml.contract.table import columns_of_table
from cd4ml.errors import BundleError, ModelError
from cd4ml.training import skops_file
from cd4ml.training.estimator import predict_scores


@pytest.fixture
def bundle(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A copy of a bundle, which may be damaged."""
    return Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))


def test_a_bundle_gives_the_scores_of_its_pipeline(tiny_projects):
    for task, project in tiny_projects.items():
        bundle = Bundle.load(project.bundle)
        model = skops_file.load(project.folder / "models/pipeline.skops")
        columns = columns_of_table(pd.read_parquet(project.folder / "data/holdout.parquet"), bundle.contract)

        assert bundle.manifest.runtime == "onnx"
        assert bundle.manifest.reason.startswith("ONNX, proved equal to the pipeline on ")
        expected = predict_scores(model, bundle.code.derive(columns), bundle.contract.task)
        tolerance = 1e-5 * (expected.std() if task == "regression" else 1)
        np.testing.assert_allclose(bundle.scores(columns), expected, rtol=0, atol=tolerance)


def test_a_bundle_holds_examples_with_the_pipelines_predictions(tiny_bundles):
    for task, folder in tiny_bundles.items():
        bundle = Bundle.load(folder)
        examples = bundle.examples()
        scores = bundle.scores_of_rows(examples["rows"])

        assert len(examples["rows"]) == 10
        if task == "regression":
            assert examples["probabilities"] is None
            np.testing.assert_allclose(bundle.decision.predictions(scores), examples["predictions"], rtol=1e-5)
        else:
            assert bundle.decision.predictions(scores) == examples["predictions"]


@pytest.mark.parametrize(
    "name", ["bundle.json", "contract.json", "features.py", "model.onnx", "reference.json", "examples.json"]
)
@pytest.mark.parametrize("damage", ["cut short", "emptied", "altered", "removed", "a folder"])
def test_a_damaged_bundle_is_rejected_in_one_line(bundle, name, damage):
    content = (bundle / name).read_bytes()
    if damage in ("removed", "a folder"):
        (bundle / name).unlink()
        if damage == "a folder":
            (bundle / name).mkdir()
    elif damage == "emptied":
        (bundle / name).write_bytes(b"")
    elif damage == "cut short":
        (bundle / name).write_bytes(content[: len(content) // 2])
    else:
        middle = len(content) // 2
        (bundle / name).write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])

    with pytest.raises(BundleError) as error:
        Bundle.load(bundle)

    assert len(str(error.value).splitlines()) == 1
    assert "make train" in str(error.value)


def test_an_altered_threshold_is_rejected(bundle):
    manifest = json.loads((bundle / "bundle.json").read_text())
    (bundle / "bundle.json").write_text(json.dumps(manifest | {"threshold": 0.99}))

    with pytest.raises(BundleError, match="was altered, its digest is wrong"):
        Bundle.load(bundle)


def test_a_bundle_with_another_file_is_rejected(bundle):
    (bundle / "notes.txt").write_text("hello")

    with pytest.raises(BundleError, match=r"notes\.txt is not one of its files"):
        Bundle.load(bundle)


def test_a_bundle_of_a_newer_format_is_rejected(bundle):
    manifest = json.loads((bundle / "bundle.json").read_text())
    (bundle / "bundle.json").write_text(json.dumps(manifest | {"format": 99, "novelty": True}))

    with pytest.raises(BundleError, match=r"has format 99, and this code reads \d+; update cd4ml"):
        Bundle.load(bundle)


@pytest.mark.parametrize("novelty", [{"novelty": True}, {"made_of": {"weather": 1}}])
def test_a_bundle_of_a_newer_version_in_the_same_format_is_not_called_altered(bundle, novelty):
    manifest = json.loads((bundle / "bundle.json").read_text()) | novelty
    del manifest["digest"]
    digest = hashlib.sha256(json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    (bundle / "bundle.json").write_text(json.dumps(manifest | {"digest": digest}))

    with pytest.raises(BundleError, match=r"was written by another version of cd4ml \(.*\); update cd4ml$"):
        Bundle.load(bundle)


@pytest.mark.parametrize("numbers", ['"format": 1e999', '"threshold": 1e400', f'"threshold": "{9**40}", "n": {9**40}'])
def test_numbers_that_no_manifest_has_are_an_altered_one(bundle, numbers):
    (bundle / "bundle.json").write_text(f'{{"format": {FORMAT}, {numbers}}}')

    with pytest.raises(BundleError, match=r"was altered.*; fetch|was altered or cut short: fetch"):
        Bundle.load(bundle)


def test_a_file_in_place_of_a_bundle_is_none(bundle):
    with pytest.raises(BundleError, match=r"no bundle in .*examples\.json; run `make train`"):
        Bundle.load(bundle / "examples.json")


def test_a_bundle_of_an_older_format_has_to_be_trained_again(bundle):
    manifest = json.loads((bundle / "bundle.json").read_text(encoding="utf-8"))
    (bundle / "bundle.json").write_text(json.dumps(manifest | {"format": 1}), encoding="utf-8")

    with pytest.raises(BundleError, match=r"has format 1, and this code reads \d+; train it again"):
        Bundle.load(bundle)


def test_for_a_missing_bundle_the_message_names_what_makes_one():
    with pytest.raises(BundleError, match=r"no bundle in nowhere; run `make train`"):
        Bundle.load(Path("nowhere"))


def test_loading_and_predicting_do_not_change_the_folder(bundle):
    before = sorted(path.name for path in bundle.rglob("*"))

    loaded = Bundle.load(bundle)
    loaded.scores_of_rows(loaded.examples()["rows"])

    assert sorted(path.name for path in bundle.rglob("*")) == before


def test_the_version_is_the_newest_day_and_the_digest(tiny_bundle):
    bundle = Bundle.load(tiny_bundle)

    assert bundle.version == f"2024-06-30.{bundle.manifest.digest[:7]}"


def test_the_same_inputs_give_the_same_bytes(tiny_projects, tmp_path):
    project = tiny_projects["binary"]
    again = project.copy_to(tmp_path / "again", without=("models", "*.parquet"))

    again.run("ingest", "validate", "split", "train", "package")

    for path in project.folder.glob("models/**/*.*"):
        assert path.read_bytes() == (again.folder / path.relative_to(project.folder)).read_bytes(), path.name


def test_another_model_gives_another_version(tiny_projects, tmp_path):
    project = tiny_projects["binary"]
    changed = project.copy_to(tmp_path / "changed")
    changed.replace("params.yaml", "iterations: 10", "iterations: 11")

    changed.run("train", "package")

    assert Bundle.load(changed.bundle).version != Bundle.load(project.bundle).version


def test_a_model_that_skops_cannot_save_is_rejected(tmp_path):
    with pytest.raises(ModelError, match=r"^model\.py: the fitted model cannot be saved without pickle"):
        skops_file.save({"model": (row for row in ())}, tmp_path / "model.skops")


class Estimator:
    """A type that nobody trusts."""


def test_a_model_with_types_that_are_not_trusted_is_rejected(tmp_path):
    skops_file.save({"model": Estimator()}, tmp_path / "model.skops")

    for trusted in ((), ("test_bundle.Est",), ("test_bun",)):
        with pytest.raises(ModelError, match=r"types that are not trusted: test_bundle\.Estimator; if you trust them"):
            skops_file.load(tmp_path / "model.skops", trusted)
    for entry in ("test_bundle", "test_bundle.Estimator"):
        assert isinstance(skops_file.load(tmp_path / "model.skops", (entry,))["model"], Estimator)
