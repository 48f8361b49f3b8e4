"""Load a bundle, after checking its files, and predict with it.

| file                     | what it holds                                                         |
|--------------------------|-----------------------------------------------------------------------|
| bundle.json              | the manifest: inputs, classes, threshold, and every file's checksum   |
| contract.json            | the contract, without comments                                        |
| features.py              | the code of the features, which is run from memory                    |
| model.onnx / model.skops | the model                                                             |
| reference.json           | the training profile: the distribution of each column                 |
| examples.json            | rows, and the fitted pipeline's own predictions for them              |
"""

import json
from pathlib import Path
from typing import Any, Self

from cd4ml.bundle.engines import Engine, OnnxEngine, SklearnEngine
from cd4ml.bundle.feature_code import FeatureCode
from cd4ml.bundle.manifest import MODEL_FILES, Manifest, load_manifest
from cd4ml.contract.columns import Array, Columns, columns_of_rows
from cd4ml.contract.contract import Contract
from cd4ml.errors import BundleError, UserError, describe
from cd4ml.settings.project import read_project

_ADVICE = "install the packages in uv.lock with `make setup`, or run `make train`"


def _teams_features() -> Path | None:
    """Return the features.py of the project in the working directory; None if there is no project, as in the image."""
    try:
        return read_project().features
    except UserError:
        return None


class Bundle:
    """A bundle whose files were checked, ready to predict."""

    def __init__(self, manifest: Manifest, contract: Contract, code: FeatureCode, engine: Engine, folder: Path) -> None:
        self.manifest, self.contract, self.code, self.folder = manifest, contract, code, folder
        self.decision = manifest.decision
        self._engine = engine

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the bundle in a folder, after checking every file of it.

        Raises:
            BundleError: it is missing, incomplete or altered, was written by a newer version of the library, or its
                model cannot be loaded.
        """
        manifest = load_manifest(folder)
        contract = Contract.from_json((folder / "contract.json").read_bytes())
        code = FeatureCode.read(folder / "features.py", original=_teams_features())
        engine_type = OnnxEngine if manifest.runtime == "onnx" else SklearnEngine
        model = folder / MODEL_FILES[manifest.runtime]
        try:
            engine = engine_type(model, manifest)
        except UserError:
            raise
        except Exception as failure:  # ONNX Runtime's own exceptions have no base class but this
            raise BundleError(
                f"{folder}: {model.name} cannot be loaded ({describe(failure)[:150]}); {_ADVICE}"
            ) from failure
        return cls(manifest, contract, code, engine, folder)

    @property
    def version(self) -> str:
        """The bundle's version, as it is shown everywhere."""
        return self.manifest.version

    def scores(self, columns: Columns) -> Array:
        """Return the scores of normalized columns: probabilities `(rows, classes)`, or numbers `(rows,)`."""
        return self._engine.scores(self.code.derive(columns))

    def scores_of_rows(self, rows: list[dict[str, Any]]) -> Array:
        """Return the scores of rows that keep the contract."""
        return self.scores(columns_of_rows(rows, self.contract))

    def examples(self) -> dict[str, Any]:
        """Return examples.json: `rows`, and the fitted pipeline's own `predictions` and `probabilities`."""
        examples: dict[str, Any] = json.loads((self.folder / "examples.json").read_bytes())
        return examples

    def training_profile(self) -> dict[str, Any]:
        """Return reference.json: the distribution of the target and of each column in the training set."""
        profile: dict[str, Any] = json.loads((self.folder / "reference.json").read_bytes())
        return profile
