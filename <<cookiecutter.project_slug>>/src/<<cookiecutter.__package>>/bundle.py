"""The unit of delivery: a folder that holds all a prediction needs, says what it was made of, and answers.

| file                     | what it is                                                        |
|--------------------------|-------------------------------------------------------------------|
| bundle.json              | what it was made of, how it decides, and every file's checksum    |
| contract.json            | the contract, without comments                                    |
| features.py              | the features' code, run from memory                               |
| model.onnx / model.skops | the model                                                         |
| reference.json           | how the training rows were distributed                            |
| examples.json            | rows, and what the fitted pipeline itself answered                |
"""

import hashlib
import json
from pathlib import Path
from typing import Any, Literal, Protocol, Self

import msgspec
import numpy as np

from .answer import Decision
from .columns import Array, Columns, columns_of_rows
from .contract import Contract, Problem
from .errors import BundleError
from .feature_code import FeatureCode

FORMAT = 1  # raised whenever a bundle written before cannot be read as it was

Runtime = Literal["onnx", "sklearn"]
MODEL_FILES: dict[Runtime, str] = {"onnx": "model.onnx", "sklearn": "model.skops"}


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What bundle.json says. Nothing in it depends on a clock, a path or a run: the same inputs, the same bytes."""

    format: int
    name: str
    until: str | None
    problem: Problem
    runtime: Runtime
    reason: str
    """Why this runtime: the proof that the export is exact, or why it fell back."""
    classes: list[bool | str]
    threshold: float | None
    numbers: list[str]
    categories: list[str]
    made_of: dict[str, str]
    """SHA-256 of the data, the contract, the parameters, the code and the lock file."""
    files: dict[str, str]
    """SHA-256 of every other file of the bundle."""

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest, and so of everything it names, in hexadecimal."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()

    @property
    def version(self) -> str:
        """The newest day of the data, or "v", and the first seven digits of the digest."""
        return f"{self.until or 'v'}.{self.digest[:7]}"

    @property
    def decision(self) -> Decision:
        """How scores become answers."""
        return Decision(self.problem, list(self.classes), self.threshold)

    def to_json(self) -> str:
        """Return bundle.json's text, which carries the digest of the rest."""
        return json.dumps({**msgspec.to_builtins(self), "digest": self.digest}, indent=1, ensure_ascii=False)


class Engine(Protocol):
    """What computes scores from features: `(rows, classes)` probabilities, or `(rows,)` numbers."""

    def scores(self, features: Columns) -> Array:
        """Return the scores of features, one row each."""


class OnnxEngine:
    """ONNX Runtime, one thread: a request is too small to share."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        features = [*manifest.numbers, *manifest.categories]
        # By their order: the exporter changes names that are no identifiers.
        self._inputs = [(said.name, name) for said, name in zip(self._session.get_inputs(), features, strict=True)]
        self._output = [self._session.get_outputs()[0 if manifest.problem == "regression" else 1].name]

    def scores(self, features: Columns) -> Array:
        """Return the scores of features, as float64."""
        feed = {name: features[feature].reshape(-1, 1) for name, feature in self._inputs}
        (said,) = self._session.run(self._output, feed)
        scores = np.asarray(said, dtype=np.float64)
        return scores.reshape(-1) if scores.shape[1:] == (1,) else scores


class SklearnEngine:
    """scikit-learn, for a pipeline whose export could not be proved."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        try:
            from . import estimator, skops_file
        except ImportError as absent:
            raise BundleError(
                f"this bundle runs on scikit-learn, and {absent.name} is not installed: install the extra `sklearn`"
            ) from None
        self._answers, self._problem = estimator.answers, manifest.problem
        self._model = skops_file.load(path)

    def scores(self, features: Columns) -> Array:
        """Return the scores of features, as float64."""
        return self._answers(self._model, features, self._problem)


class Bundle:
    """A bundle that was checked, and answers."""

    def __init__(self, manifest: Manifest, contract: Contract, code: FeatureCode, engine: Engine, folder: Path) -> None:
        self.manifest, self.contract, self.code, self.folder = manifest, contract, code, folder
        self.decision = manifest.decision
        self._engine = engine

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the bundle in a folder, after checking every file of it.

        Raises:
            BundleError: it is absent, incomplete, altered, or newer than this code.
        """
        manifest = check(folder)
        contract = Contract.from_json((folder / "contract.json").read_bytes())
        code = FeatureCode((folder / "features.py").read_text(encoding="utf-8"))
        kind = OnnxEngine if manifest.runtime == "onnx" else SklearnEngine
        engine = kind(folder / MODEL_FILES[manifest.runtime], manifest)
        return cls(manifest, contract, code, engine, folder)

    @property
    def version(self) -> str:
        """The bundle's version, as it is shown everywhere."""
        return self.manifest.version

    def scores(self, columns: Columns) -> Array:
        """Return the scores of settled columns: `(rows, classes)` probabilities, or `(rows,)` numbers."""
        return self._engine.scores(self.code.derive(columns))

    def scores_of_rows(self, rows: list[dict[str, Any]]) -> Array:
        """Return the scores of rows that keep the contract."""
        return self.scores(columns_of_rows(rows, self.contract))

    def examples(self) -> dict[str, Any]:
        """Return examples.json: `rows`, and the fitted pipeline's own `predictions` and `probabilities`."""
        examples: dict[str, Any] = json.loads((self.folder / "examples.json").read_bytes())
        return examples

    def reference(self) -> dict[str, Any]:
        """Return reference.json: how the training rows were distributed."""
        reference: dict[str, Any] = json.loads((self.folder / "reference.json").read_bytes())
        return reference


def check(folder: Path) -> Manifest:
    """Return the manifest of a bundle that is whole.

    Raises:
        BundleError: it is absent, incomplete, altered, or newer than this code.
    """
    manifest = _read_manifest(folder)
    there = {path.name for path in folder.iterdir()} - {"bundle.json"}
    for name in sorted(there ^ set(manifest.files)):
        what = "is not one of its files" if name in there else "is missing"
        raise BundleError(f"{folder}: {name} {what}; the bundle is not whole: fetch it again, or run `make train`")
    for name, expected in manifest.files.items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != expected:
            raise BundleError(f"{folder}: {name} was altered or cut short: fetch the bundle again, or run `make train`")
    return manifest


def _read_manifest(folder: Path) -> Manifest:
    path = folder / "bundle.json"
    try:
        said = json.loads(path.read_bytes())
        newer = said["format"] > FORMAT
    except FileNotFoundError:
        raise BundleError(f"no bundle in {folder}; run `make train`, which makes one") from None
    except (ValueError, TypeError, KeyError):
        raise BundleError(f"{path} was altered or cut short: fetch the bundle again, or run `make train`") from None
    if newer:
        raise BundleError(f"{path} is of format {said['format']}, this code reads up to {FORMAT}; update the project")
    digest = said.pop("digest", None)
    try:
        manifest = msgspec.convert(said, Manifest)
    except msgspec.ValidationError as altered:
        raise BundleError(f"{path} was altered: {altered}; fetch the bundle again, or run `make train`") from None
    if manifest.digest != digest:
        raise BundleError(f"{path} was altered, it no longer has its digest: fetch it again, or run `make train`")
    return manifest
