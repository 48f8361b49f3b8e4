"""Ensure that every comparison in an exported model has the same result as in the fitted pipeline.

If an input is rounded, the scores of a continuous model change by about as much. A tree is not continuous: a number
that rounding moves across a threshold takes the other branch. Test rows rarely lie exactly there, so a comparison of
scores does not find this. Two rules exclude it instead: float32 represents each threshold exactly, and the numbers
that are compared are the model's inputs, without arithmetic in between.
"""

import copy
from typing import Any

import numpy as np

# Operators that pass numbers on unchanged.
_EXACT = {
    "ArrayFeatureExtractor", "Cast", "CategoryMapper", "Concat", "Constant", "ConstantOfShape", "FeatureVectorizer",
    "Gather", "GatherElements", "Identity", "Imputer", "LabelEncoder", "OneHotEncoder", "Reshape", "Shape", "Slice",
    "Split", "Squeeze", "Transpose", "Unsqueeze",
}  # fmt: skip
_TREES = {"TreeEnsemble", "TreeEnsembleClassifier", "TreeEnsembleRegressor"}
# Discontinuous operators whose thresholds the export rounds.
_DISCONTINUOUS = {
    "ArgMax", "ArgMin", "Binarizer", "Ceil", "Equal", "Floor", "Greater", "GreaterOrEqual", "Less", "LessOrEqual",
    "Mod", "Round", "Sign", "TopK",
}  # fmt: skip


def with_float32_thresholds(model: Any) -> Any:
    """Return a copy of a fitted pipeline in which the thresholds of histogram trees are rounded down to float32.

    For a float32 number `x` and any threshold `t`, `x <= t` exactly if `x <= floor32(t)`: the copy predicts the same.
    The export keeps its thresholds, and would round those of the original up or down.
    """
    exact = copy.deepcopy(model)
    for estimator in estimators_in(exact):
        for trees in getattr(estimator, "_predictors", []):
            for tree in trees:
                tree.nodes["num_threshold"] = _floor32(tree.nodes["num_threshold"])
    return exact


def _floor32(values: Any) -> Any:
    """Return the largest float32 that is not above each value."""
    with np.errstate(over="ignore"):
        nearest = values.astype(np.float32)
    return np.where(nearest > values, np.nextafter(nearest, np.float32(-np.inf)), nearest)


def estimators_in(item: Any) -> list[Any]:
    """Return every estimator inside an object: the object itself first, if it is one."""
    return _estimators_in(item, set())


def _estimators_in(item: Any, seen: set[int]) -> list[Any]:
    if id(item) in seen:
        return []
    seen.add(id(item))
    if hasattr(item, "get_params"):
        return [item, *(part for value in vars(item).values() for part in _estimators_in(value, seen))]
    if isinstance(item, dict):
        item = list(item.values())
    if isinstance(item, list | tuple) or (isinstance(item, np.ndarray) and item.dtype.kind == "O"):
        return [part for value in item for part in _estimators_in(value, seen)]
    return []


def find_inexact_comparison(graph: Any, output: str) -> str | None:
    """Return, as a message, what in an ONNX graph compares numbers that arithmetic may have rounded; None: nothing.

    Only the nodes that `output` depends on are checked; the predicted label, for example, is not used.
    """
    producers = {name: node for node in graph.node for name in node.output}
    exact: dict[str, bool] = {}

    def is_exact(name: str) -> bool:
        if name not in exact:
            node = producers.get(name)  # None: an input of the graph, or a constant
            exact[name] = node is None or (node.op_type in _EXACT and all(is_exact(source) for source in node.input))
        return exact[name]

    for node in _ancestors(producers, output):
        if node.op_type in _DISCONTINUOUS:
            return f"it contains a comparison ({node.op_type}) whose threshold the export rounds"
        if node.op_type in _TREES and not all(is_exact(source) for source in node.input):
            return "its trees compare numbers that arithmetic in float32 may have moved across a threshold"
    return None


def _ancestors(producers: dict[str, Any], output: str) -> list[Any]:
    """Return the nodes that an output depends on."""
    ancestors: dict[int, Any] = {}
    names = [output]
    while names:
        node = producers.get(names.pop())
        if node is not None and id(node) not in ancestors:
            ancestors[id(node)] = node
            names += node.input
    return list(ancestors.values())
