"""Compute a bundle's scores from features: with ONNX Runtime, or with scikit-learn if the bundle has no ONNX model."""

from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np

from cd4ml.bundle.manifest import Manifest
from cd4ml.contract.columns import Array, Columns
from cd4ml.errors import BundleError


class Engine(Protocol):
    """Computes scores from features: probabilities `(rows, classes)`, or numbers `(rows,)`."""

    def scores(self, features: Columns) -> Array:
        """Return the scores of features, as float64."""


class OnnxEngine:
    """ONNX Runtime on one thread: a request is too small to be divided among several."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # From its bytes: the message of a failure would contain the path, and the manifest contains that message.
        self._session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
        # Matched by their order, since the exporter changes names that are not identifiers.
        features = iter([*manifest.numbers, *manifest.categories])
        self._features_of_input = {
            entry.name: list(islice(features, entry.shape[1])) for entry in self._session.get_inputs()
        }
        if list(features) or not all(self._features_of_input.values()):
            raise BundleError(f"{path.name} has other inputs than the features that the manifest lists")
        self._output = [self._session.get_outputs()[0 if manifest.task == "regression" else 1].name]

    def scores(self, features: Columns) -> Array:
        """Return the scores of features, as float64."""
        feed = {
            name: _side_by_side([features[name] for name in names]) for name, names in self._features_of_input.items()
        }
        (output,) = self._session.run(self._output, feed)
        scores = np.asarray(output, dtype=np.float64)
        return scores.reshape(-1) if scores.shape[1:] == (1,) else scores


def _side_by_side(arrays: list[Array]) -> Array:
    """Return arrays of shape `(rows,)` as the columns of one; faster than np.stack for a few rows."""
    return np.ascontiguousarray(np.concatenate(arrays).reshape(len(arrays), -1).T)


class SklearnEngine:
    """scikit-learn, for a pipeline that is not shipped as ONNX."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        try:
            from cd4ml.training import estimator, skops_file
        except ImportError as missing:
            raise BundleError(
                f"this bundle runs on scikit-learn, and {missing.name} is not installed: install the extra `sklearn`"
            ) from None
        self._predict_scores, self._task = estimator.predict_scores, manifest.task
        self._model = skops_file.load(path, manifest.trusted_types)

    def scores(self, features: Columns) -> Array:
        """Return the scores of features, as float64."""
        return self._predict_scores(self._model, features, self._task)
