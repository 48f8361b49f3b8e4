"""What computes a bundle's scores: ONNX Runtime, or scikit-learn if the export could not be proved."""

from pathlib import Path
from typing import Protocol

import numpy as np

from cd4ml.bundle.manifest import Manifest
from cd4ml.contract.columns import Array, Columns
from cd4ml.errors import BundleError


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
        self._output = [self._session.get_outputs()[0 if manifest.task == "regression" else 1].name]

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
            from cd4ml.training import estimator, skops_file
        except ImportError as absent:
            raise BundleError(
                f"this bundle runs on scikit-learn, and {absent.name} is not installed: install the extra `sklearn`"
            ) from None
        self._answers, self._problem = estimator.answers, manifest.task
        self._model = skops_file.load(path)

    def scores(self, features: Columns) -> Array:
        """Return the scores of features, as float64."""
        return self._answers(self._model, features, self._problem)
