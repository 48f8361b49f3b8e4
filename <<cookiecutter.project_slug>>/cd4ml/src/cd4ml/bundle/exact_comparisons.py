"""What no sample of rows can prove: that an exported model decides every comparison as the fitted pipeline does.

Scores of a continuous model move by a rounding error when its inputs do. A tree is not continuous: a number that
rounding carries across a threshold takes the other branch, and only rows that lie exactly there would show it. So
comparisons have to be right by construction: thresholds that float32 holds exactly, on numbers that reach them as they
came in, without arithmetic.
"""

import copy
from typing import Any

import numpy as np

# What a number passes through unchanged.
_EXACT = {
    "ArrayFeatureExtractor", "Cast", "CategoryMapper", "Concat", "Constant", "ConstantOfShape", "FeatureVectorizer",
    "Gather", "GatherElements", "Identity", "Imputer", "LabelEncoder", "OneHotEncoder", "Reshape", "Shape", "Slice",
    "Split", "Squeeze", "Transpose", "Unsqueeze",
}  # fmt: skip
_TREES = {"TreeEnsemble", "TreeEnsembleClassifier", "TreeEnsembleRegressor"}
# What jumps, and whose limits the export rounds.
_JUMPS = {
    "ArgMax", "ArgMin", "Binarizer", "Ceil", "Equal", "Floor", "Greater", "GreaterOrEqual", "Less", "LessOrEqual",
    "Mod", "Round", "Sign", "TopK",
}  # fmt: skip


def with_float32_thresholds(model: Any) -> Any:
    """Return a copy of a fitted pipeline whose histogram trees compare with the largest float32 below each threshold.

    For a float32 number `x` and any threshold `t`, `x <= t` exactly when `x <= floor32(t)`: the copy answers the same,
    and its thresholds survive the export, which would round them up as well as down.
    """
    exact = copy.deepcopy(model)
    for part in _parts(exact, set()):
        for trees in getattr(part, "_predictors", []):
            for tree in trees:
                tree.nodes["num_threshold"] = _floor32(tree.nodes["num_threshold"])
    return exact


def _floor32(values: Any) -> Any:
    with np.errstate(over="ignore"):
        nearest = values.astype(np.float32)
    return np.where(nearest > values, np.nextafter(nearest, np.float32(-np.inf)), nearest)


def _parts(item: Any, seen: set[int]) -> list[Any]:
    """Return every estimator within an estimator, itself first."""
    if id(item) in seen:
        return []
    seen.add(id(item))
    if hasattr(item, "get_params"):
        return [item, *(part for value in vars(item).values() for part in _parts(value, seen))]
    if isinstance(item, dict):
        item = list(item.values())
    if isinstance(item, list | tuple) or (isinstance(item, np.ndarray) and item.dtype.kind == "O"):
        return [part for value in item for part in _parts(value, seen)]
    return []


def inexact_comparison(graph: Any, output: str) -> str | None:
    """Return what in an ONNX graph compares numbers that arithmetic may have rounded, for a person; None: nothing does.

    Only what `output` is made of counts: a label that is not asked for may be decided as it likes.
    """
    makers = {name: node for node in graph.node for name in node.output}
    exact: dict[str, bool] = {}

    def is_exact(name: str) -> bool:
        if name not in exact:
            node = makers.get(name)  # None: an input of the graph, or a constant
            exact[name] = node is None or (node.op_type in _EXACT and all(is_exact(source) for source in node.input))
        return exact[name]

    for node in _ancestors(makers, output):
        if node.op_type in _JUMPS:
            return f"it holds a comparison ({node.op_type}) whose limits ONNX rounds"
        if node.op_type in _TREES and not all(is_exact(source) for source in node.input):
            return "its trees compare numbers that arithmetic in float32 may have carried across a threshold"
    return None


def _ancestors(makers: dict[str, Any], output: str) -> list[Any]:
    found: dict[int, Any] = {}
    ahead = [output]
    while ahead:
        node = makers.get(ahead.pop())
        if node is not None and id(node) not in found:
            found[id(node)] = node
            ahead += node.input
    return list(found.values())
