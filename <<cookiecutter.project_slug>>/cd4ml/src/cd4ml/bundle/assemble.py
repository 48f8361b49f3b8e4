"""Make a bundle: export the pipeline to ONNX and prove the export exact, or use scikit-learn and record the reason."""

import hashlib
import json
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from cd4ml.bundle.bundle import Bundle
from cd4ml.bundle.decision import Decision
from cd4ml.bundle.feature_code import FeatureCode
from cd4ml.bundle.manifest import FORMAT, MODEL_FILES, Manifest, Runtime
from cd4ml.bundle.onnx_export import NotExportableError, to_onnx
from cd4ml.bundle.proof import NUMBER_TOLERANCE, PROBABILITY_TOLERANCE, prove_equal
from cd4ml.bundle.score_profile import score_profile
from cd4ml.bundle.training_profile import training_profile
from cd4ml.contract.columns import Array, Columns, evenly_spaced_rows, rows_of_columns
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import columns_of_table, read_table, target_of_table, times_of_table
from cd4ml.errors import BundleError, ModelError, describe
from cd4ml.files.atomic import write_text
from cd4ml.settings import paths
from cd4ml.settings.params import Params
from cd4ml.settings.project import read_project
from cd4ml.terminal.output import report
from cd4ml.training import skops_file
from cd4ml.training.estimator import numbers_and_categories, predict_scores
from cd4ml.training.fit import explaining


@dataclass(frozen=True)
class BundleInputs:
    """What a bundle is made from.

    The functions below read four files besides: models/pipeline.skops, to copy it into a bundle that runs on
    scikit-learn; data/train.parquet, data/holdout.parquet and uv.lock, for the digests in the manifest.
    """

    contract: Contract
    params: Params
    code: FeatureCode
    model_code: bytes
    """The team's model.py."""
    model: Any
    """The fitted pipeline."""
    train: Columns
    test: Columns
    target: Array
    """Of the training set, shape `(rows,)`."""
    times: Array | None
    """Of the training set, shape `(rows,)`; None if the contract names no time."""
    test_target: Array
    """Of the test set, shape `(rows,)`."""
    decision: Decision

    @property
    def tolerance(self) -> float:
        """By how much scores of the same row may differ."""
        if self.contract.task == "regression":
            return NUMBER_TOLERANCE * float(self.target.std())
        return PROBABILITY_TOLERANCE

    @cached_property
    def test_scores(self) -> Array:
        """The fitted pipeline's own scores of the test set.

        Raises:
            ModelError: it fails on it.
        """
        return self.pipeline_scores(self.test)

    def pipeline_scores(self, columns: Columns) -> Array:
        """Return the fitted pipeline's own scores of normalized columns.

        Raises:
            ModelError: it fails on them.
        """
        features = self.code.derive(columns)
        with explaining("score rows that the contract allows"):
            return predict_scores(self.model, features, self.contract.task)


def read_inputs() -> BundleInputs:
    """Read the contract, the parameters, the team's code, the fitted pipeline, the training set and the test set."""
    contract, params, project = Contract.load(paths.CONTRACT), Params.load(), read_project()
    train, test = read_table(paths.TRAIN), read_table(paths.HOLDOUT)
    model = skops_file.load(paths.PIPELINE, params.package.trusted_types)
    threshold = json.loads(paths.THRESHOLD.read_bytes())["threshold"]
    return BundleInputs(
        contract=contract,
        params=params,
        code=FeatureCode.read(project.features),
        model_code=project.model.read_bytes(),
        model=model,
        train=columns_of_table(train, contract),
        test=columns_of_table(test, contract),
        target=target_of_table(train, contract),
        times=times_of_table(train, contract),
        test_target=target_of_table(test, contract),
        decision=Decision(contract.task, classes_of(model, contract), threshold),
    )


def classes_of(model: Any, contract: Contract) -> list[Any]:
    """Return the classes of a fitted model, in the order of its scores' columns; empty for regression."""
    if contract.task == "regression":
        return []
    return [False, True] if contract.task == "binary" else [str(name) for name in model.classes_]


def make_bundle(folder: Path, inputs: BundleInputs) -> Manifest:
    """Write a bundle into an empty folder, for the runtime that params.yaml and the proof allow; return its manifest.

    Raises:
        ModelError: params.yaml demands ONNX, and the export is not exact.
    """
    runtime = inputs.params.package.runtime
    if runtime == "sklearn":
        return write_bundle(folder, inputs, "sklearn", "scikit-learn, as set by package.runtime in params.yaml")
    try:
        report("exporting to ONNX, and proving that the export gives the pipeline's scores")
        manifest = write_bundle(folder, inputs, "onnx", "not proved yet")
        return write_manifest(folder, msgspec.structs.replace(manifest, reason=_prove_export(folder, inputs)))
    except NotExportableError as reason:
        if runtime == "onnx":
            raise ModelError(
                f"model.py: {reason}; change the model, or set package.runtime to auto in params.yaml"
            ) from reason
        for path in folder.iterdir():
            path.unlink()
        return write_bundle(
            folder, inputs, "sklearn", f"scikit-learn, because the model cannot be shipped as ONNX: {reason}"
        )


def _prove_export(folder: Path, inputs: BundleInputs) -> str:
    """Load the ONNX bundle in a folder, and compare its scores with the pipeline's; return what was proved.

    Raises:
        NotExportableError: it cannot be loaded, or its scores differ.
    """
    try:
        bundle = Bundle.load(folder)
    except BundleError as failure:
        if failure.__cause__ is None:
            raise
        raise NotExportableError(f"its ONNX form cannot be loaded: {describe(failure.__cause__)[:120]}") from failure
    return prove_equal(
        bundle.scores,
        inputs.pipeline_scores,
        inputs.train,
        inputs.test,
        inputs.contract,
        inputs.decision,
        inputs.tolerance,
    )


def write_bundle(folder: Path, inputs: BundleInputs, runtime: Runtime, reason: str) -> Manifest:
    """Write every file of a bundle into an empty folder; return its manifest."""
    numbers, categories = numbers_and_categories(inputs.code.derive(inputs.train))
    model = folder / MODEL_FILES[runtime]
    if runtime == "onnx":
        model.write_bytes(to_onnx(inputs.model, numbers, categories, inputs.contract.task))
    else:
        shutil.copyfile(paths.PIPELINE, model)
    write_text(folder / "contract.json", inputs.contract.to_json())
    (folder / "features.py").write_text(inputs.code.source, encoding="utf-8")
    profile = training_profile(inputs.train, inputs.target, inputs.times, inputs.contract)
    scores = score_profile(inputs.test_scores, inputs.test_target, inputs.decision)
    _write_json(folder / "reference.json", profile | {"scores": scores})
    _write_json(folder / "examples.json", _examples(inputs))
    manifest = Manifest(
        format=FORMAT,
        name=inputs.contract.name,
        until=inputs.params.data.until,
        task=inputs.contract.task,
        runtime=runtime,
        reason=reason,
        classes=inputs.decision.classes,
        threshold=inputs.decision.threshold,
        numbers=numbers,
        categories=categories,
        trusted_types=inputs.params.package.trusted_types,
        made_of=_input_digests(inputs),
        files={path.name: _sha256(path.read_bytes()) for path in sorted(folder.iterdir())},
    )
    return write_manifest(folder, manifest)


def write_manifest(folder: Path, manifest: Manifest) -> Manifest:
    """Write bundle.json, which has to be the last file; return the manifest."""
    write_text(folder / "bundle.json", manifest.to_json())
    return manifest


def _write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False))


def _examples(inputs: BundleInputs) -> dict[str, Any]:
    """Return a few rows of the test set, and the fitted pipeline's own predictions for them."""
    columns = evenly_spaced_rows(inputs.test, inputs.params.package.examples)
    scores = inputs.pipeline_scores(columns)
    return {
        "rows": rows_of_columns(columns, inputs.contract),
        "predictions": inputs.decision.predictions(scores),
        "probabilities": inputs.decision.probabilities(scores),
    }


def _input_digests(inputs: BundleInputs) -> dict[str, str]:
    """Return the SHA-256 of each input that determines the bundle."""
    params = inputs.params.model_dump_json(include={"model", "decision", "package"})
    code = inputs.code.source.encode() + inputs.model_code
    return {
        "data": _sha256(paths.TRAIN.read_bytes() + paths.HOLDOUT.read_bytes()),
        "contract": _sha256(inputs.contract.to_json().encode()),
        "params": _sha256(params.encode()),
        "code": _sha256(code),
        "lock": _sha256(paths.LOCK.read_bytes()),
    }


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
