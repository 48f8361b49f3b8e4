"""Assemble a bundle: export the pipeline and prove the export, or fall back to scikit-learn and say why."""

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from cd4ml.bundle.bundle import Bundle
from cd4ml.bundle.decision import Decision
from cd4ml.bundle.feature_code import FeatureCode
from cd4ml.bundle.manifest import FORMAT, MODEL_FILES, Manifest, Runtime
from cd4ml.bundle.onnx_export import NotExportableError, to_onnx
from cd4ml.bundle.proof import NUMBER_TOLERANCE, PROBABILITY_TOLERANCE, proof
from cd4ml.bundle.training_profile import training_profile
from cd4ml.contract.columns import Array, Columns, evenly_spaced_rows, rows_of_columns
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import columns_of_table, read_table, target_of_table, times_of_table
from cd4ml.errors import ModelError
from cd4ml.files.atomic import write_text
from cd4ml.settings import paths
from cd4ml.settings.params import Params
from cd4ml.settings.project import read_project
from cd4ml.terminal.output import report
from cd4ml.training import skops_file
from cd4ml.training.estimator import answers, kinds_of


@dataclass(frozen=True)
class Ingredients:
    """What a bundle is made of, read once."""

    contract: Contract
    params: Params
    code: FeatureCode
    model_code: bytes
    """The team's model.py."""
    model: Any
    train: Columns
    holdout: Columns
    target: Array
    times: Array | None
    decision: Decision

    def scores(self, columns: Columns) -> Array:
        """Return what the fitted pipeline itself says of normalized columns."""
        return answers(self.model, self.code.derive(columns), self.contract.task)


def read_ingredients() -> Ingredients:
    """Read contract, parameters, features, pipeline and both tables."""
    contract, params, project = Contract.load(paths.CONTRACT), Params.load(), read_project()
    train, holdout = read_table(paths.TRAIN), read_table(paths.HOLDOUT)
    model = skops_file.load(paths.PIPELINE)
    threshold = json.loads(paths.THRESHOLD.read_bytes())["threshold"]
    return Ingredients(
        contract=contract,
        params=params,
        code=FeatureCode.read(project.features),
        model_code=project.model.read_bytes(),
        model=model,
        train=columns_of_table(train, contract),
        holdout=columns_of_table(holdout, contract),
        target=target_of_table(train, contract),
        times=times_of_table(train, contract),
        decision=Decision(contract.task, _classes(model, contract), threshold),
    )


def _classes(model: Any, contract: Contract) -> list[Any]:
    if contract.task == "regression":
        return []
    return [False, True] if contract.task == "binary" else [str(name) for name in model.classes_]


def write_bundle(folder: Path, made: Ingredients, runtime: Runtime, reason: str) -> Manifest:
    """Write every file of a bundle into an empty folder; return its manifest."""
    numbers, categories = kinds_of(made.code.derive(made.train))
    model = folder / MODEL_FILES[runtime]
    if runtime == "onnx":
        model.write_bytes(to_onnx(made.model, numbers, categories, made.contract.task))
    else:
        shutil.copyfile(paths.PIPELINE, model)
    write_text(folder / "contract.json", made.contract.to_json())
    (folder / "features.py").write_text(made.code.source, encoding="utf-8")
    write_json(folder / "reference.json", training_profile(made.train, made.target, made.times, made.contract))
    write_json(folder / "examples.json", examples(made))
    manifest = Manifest(
        format=FORMAT,
        name=made.contract.name,
        until=made.params.data.until,
        task=made.contract.task,
        runtime=runtime,
        reason=reason,
        classes=made.decision.classes,
        threshold=made.decision.threshold,
        numbers=numbers,
        categories=categories,
        made_of=hashes(made),
        files={path.name: _sha256(path.read_bytes()) for path in sorted(folder.iterdir())},
    )
    return write_manifest(folder, manifest)


def write_manifest(folder: Path, manifest: Manifest) -> Manifest:
    """Write bundle.json, last of all; return what was written."""
    write_text(folder / "bundle.json", manifest.to_json())
    return manifest


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON that a person can read."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False))


def examples(made: Ingredients) -> dict[str, Any]:
    """Return a few held-out rows, and the fitted pipeline's own answers to them."""
    columns = evenly_spaced_rows(made.holdout, made.params.package.examples)
    scores = made.scores(columns)
    return {
        "rows": rows_of_columns(columns, made.contract),
        "predictions": made.decision.predictions(scores),
        "probabilities": made.decision.probabilities(scores),
    }


def hashes(made: Ingredients) -> dict[str, str]:
    """Return SHA-256 of what determines the bundle."""
    params = made.params.model_dump_json(include={"model", "decision", "package"})
    code = made.code.source.encode() + made.model_code
    return {
        "data": _sha256(paths.TRAIN.read_bytes() + paths.HOLDOUT.read_bytes()),
        "contract": _sha256(made.contract.to_json().encode()),
        "params": _sha256(params.encode()),
        "code": _sha256(code),
        "lock": _sha256(paths.LOCK.read_bytes()),
    }


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def prove(folder: Path, made: Ingredients) -> str:
    """Return what was proved of the ONNX bundle in a folder, asking it as everyone does.

    Raises:
        NotExportableError: it answers otherwise than the pipeline.
    """
    tolerance = PROBABILITY_TOLERANCE
    if made.contract.task == "regression":
        tolerance = NUMBER_TOLERANCE * float(made.target.std())
    try:
        bundle = Bundle.load(folder)
    except (RuntimeError, ValueError) as failure:  # ONNX Runtime cannot even load it
        raise NotExportableError(f"its ONNX form cannot be loaded: {str(failure).splitlines()[0][:120]}") from failure
    return proof(bundle.scores, made.scores, made.train, made.holdout, made.contract, made.decision, tolerance)


def make_bundle(folder: Path, made: Ingredients) -> Manifest:
    """Write a bundle into an empty folder, on the runtime that params.yaml and the proof leave; return its manifest.

    Raises:
        ModelError: params.yaml insists on ONNX, and the export is not exact.
    """
    wanted = made.params.package.runtime
    if wanted == "sklearn":
        return write_bundle(folder, made, "sklearn", "scikit-learn, as package.runtime in params.yaml asks")
    try:
        report("exporting to ONNX, and proving that it answers as the pipeline does")
        manifest = write_bundle(folder, made, "onnx", "not proved yet")
        return write_manifest(folder, msgspec.structs.replace(manifest, reason=prove(folder, made)))
    except NotExportableError as reason:
        if wanted == "onnx":
            raise ModelError(
                f"model.py: {reason}; change the model, or set package.runtime to auto in params.yaml"
            ) from reason
        for path in folder.iterdir():
            path.unlink()
        return write_bundle(
            folder, made, "sklearn", f"scikit-learn, because the model cannot be shipped as ONNX: {reason}"
        )
