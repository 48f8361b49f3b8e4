"""Export a fitted pipeline to ONNX."""

from typing import Any

from cd4ml.bundle.exact_comparisons import estimators_in, find_inexact_comparison, with_float32_thresholds
from cd4ml.bundle.packed_inputs import pack_inputs
from cd4ml.contract.contract import Task
from cd4ml.errors import describe

_OPSET = 21


class NotExportableError(Exception):
    """The pipeline cannot be exported to ONNX exactly; the message says why."""


def to_onnx(model: Any, numbers: list[str], categories: list[str], task: Task) -> bytes:
    """Return the pipeline as ONNX, with an input for all numbers and one for all categories, shape `(rows, features)`.

    Equal pipelines give equal bytes.

    Raises:
        NotExportableError: the converter does not know one of its estimators, or failed, or the result may be inexact.
    """
    from skl2onnx import convert_sklearn

    try:
        exact = with_float32_thresholds(model)
        _remove_idle_steps(exact)
        together = not (numbers and categories) and not _selects_columns(exact)
        inputs = _packed_inputs(numbers, categories) if together else _input_for_each(numbers, categories)
        options = {} if task == "regression" else {id(exact): {"zipmap": False}}
        exported = convert_sklearn(exact, "model", inputs, options=options, target_opset=_OPSET)
    except Exception as failure:  # the converter raises whatever its parts raise
        raise NotExportableError(f"it cannot be converted ({describe(failure)[:120]})") from failure
    output = exported.graph.output[0 if task == "regression" else 1].name
    if reason := find_inexact_comparison(exported.graph, output):
        raise NotExportableError(f"its ONNX form may be inexact: {reason}")
    if not together:
        pack_inputs(exported, len(numbers))
    imports = sorted(exported.opset_import, key=lambda item: item.domain)
    del exported.opset_import[:]
    exported.opset_import.extend(imports)  # their order differs between processes
    return bytes(exported.SerializeToString(deterministic=True))


def _remove_idle_steps(model: Any) -> None:
    """Remove steps that are switched off from the pipelines in a model; the converter fails on them."""
    from sklearn.pipeline import Pipeline

    for estimator in estimators_in(model):
        if isinstance(estimator, Pipeline):
            estimator.steps = [step for step in estimator.steps if step[1] not in (None, "passthrough")]


def _selects_columns(model: Any) -> bool:
    """Return whether a part of a model picks columns by their name or position."""
    from sklearn.compose import ColumnTransformer

    return any(isinstance(estimator, ColumnTransformer) for estimator in estimators_in(model))


def _input_for_each(numbers: list[str], categories: list[str]) -> list[tuple[str, Any]]:
    """Return an input for each feature, shape `(rows, 1)`: a ColumnTransformer looks its columns up by these names."""
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    inputs = [(name, FloatTensorType([None, 1])) for name in numbers]
    return inputs + [(name, StringTensorType([None, 1])) for name in categories]


def _packed_inputs(numbers: list[str], categories: list[str]) -> list[tuple[str, Any]]:
    """Return the one input of a model whose features are all of one kind: most of its converters take no second one."""
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    if categories:
        return [("categories", StringTensorType([None, len(categories)]))]
    return [("numbers", FloatTensorType([None, len(numbers)]))]
