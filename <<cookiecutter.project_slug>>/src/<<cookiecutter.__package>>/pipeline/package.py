"""Make the bundle: export the pipeline and prove the export, or fall back to scikit-learn and say why."""

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from .. import paths, skops_file
from ..answer import Decision
from ..atomic import replacing_folder, write_text
from ..bundle import FORMAT, MODEL_FILES, Bundle, Manifest, Runtime
from ..columns import Array, Columns, rows_of_columns, spread
from ..contract import Contract
from ..errors import ModelError
from ..estimator import answers, kinds_of
from ..export import NUMBER_TOLERANCE, PROBABILITY_TOLERANCE, NotExportableError, proof, to_onnx
from ..feature_code import FeatureCode
from ..params import Params
from ..progress import report
from ..reference import reference_of
from ..table import columns_of_table, read, target_of_table, times_of_table


@dataclass(frozen=True)
class Ingredients:
    """What a bundle is made of, read once."""

    contract: Contract
    params: Params
    code: FeatureCode
    model: Any
    train: Columns
    holdout: Columns
    target: Array
    times: Array | None
    decision: Decision

    def scores(self, columns: Columns) -> Array:
        """Return what the fitted pipeline itself says of settled columns."""
        return answers(self.model, self.code.derive(columns), self.contract.problem)


def read_ingredients() -> Ingredients:
    """Read contract, parameters, features, pipeline and both tables."""
    contract, params = Contract.load(paths.CONTRACT), Params.load()
    train, holdout = read(paths.TRAIN), read(paths.HOLDOUT)
    model = skops_file.load(paths.PIPELINE)
    threshold = json.loads(paths.THRESHOLD.read_bytes())["threshold"]
    return Ingredients(
        contract=contract,
        params=params,
        code=FeatureCode(paths.FEATURES.read_text(encoding="utf-8")),
        model=model,
        train=columns_of_table(train, contract),
        holdout=columns_of_table(holdout, contract),
        target=target_of_table(train, contract),
        times=times_of_table(train, contract),
        decision=Decision(contract.problem, _classes(model, contract), threshold),
    )


def _classes(model: Any, contract: Contract) -> list[Any]:
    if contract.problem == "regression":
        return []
    return [False, True] if contract.problem == "binary" else [str(name) for name in model.classes_]


def write_bundle(folder: Path, made: Ingredients, runtime: Runtime, reason: str) -> Manifest:
    """Write every file of a bundle into an empty folder; return its manifest."""
    numbers, categories = kinds_of(made.code.derive(made.train))
    model = folder / MODEL_FILES[runtime]
    if runtime == "onnx":
        model.write_bytes(to_onnx(made.model, numbers, categories, made.contract.problem))
    else:
        shutil.copyfile(paths.PIPELINE, model)
    write_text(folder / "contract.json", made.contract.to_json())
    (folder / "features.py").write_text(made.code.source, encoding="utf-8")
    write_json(folder / "reference.json", reference_of(made.train, made.target, made.times, made.contract))
    write_json(folder / "examples.json", examples(made))
    manifest = Manifest(
        format=FORMAT,
        name=made.contract.name,
        until=made.params.data.until,
        problem=made.contract.problem,
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
    columns = spread(made.holdout, made.params.package.examples)
    scores = made.scores(columns)
    return {
        "rows": rows_of_columns(columns, made.contract),
        "predictions": made.decision.predictions(scores),
        "probabilities": made.decision.probabilities(scores),
    }


def hashes(made: Ingredients) -> dict[str, str]:
    """Return SHA-256 of what determines the bundle."""
    params = made.params.model_dump_json(include={"model", "decision", "package"})
    code = paths.FEATURES.read_bytes() + paths.MODEL.read_bytes()
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
    if made.contract.problem == "regression":
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


def run() -> None:
    """Write models/bundle.

    Raises:
        ModelError: the pipeline answers with something that is no number.
    """
    made = read_ingredients()
    if not np.isfinite(made.scores(made.holdout)).all():
        raise ModelError("model.py: the model answers held-out rows with NaN or infinity; it cannot be shipped")
    with replacing_folder(paths.BUNDLE) as folder:
        manifest = make_bundle(folder, made)
    report(manifest.reason)
    report(f"bundle {manifest.version}")
