"""Export a fitted pipeline to ONNX."""

from typing import Any

from cd4ml.bundle.exact_comparisons import find_inexact_comparison, with_float32_thresholds
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
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    inputs = [(name, FloatTensorType([None, 1])) for name in numbers]
    inputs += [(name, StringTensorType([None, 1])) for name in categories]
    try:
        exact = with_float32_thresholds(model)
        options = {} if task == "regression" else {id(exact): {"zipmap": False}}
        exported = convert_sklearn(exact, "model", inputs, options=options, target_opset=_OPSET)
    except Exception as failure:  # the converter raises whatever its parts raise
        raise NotExportableError(f"it cannot be converted ({describe(failure)[:120]})") from failure
    output = exported.graph.output[0 if task == "regression" else 1].name
    if reason := find_inexact_comparison(exported.graph, output):
        raise NotExportableError(f"its ONNX form may be inexact: {reason}")
    pack_inputs(exported, len(numbers))
    imports = sorted(exported.opset_import, key=lambda item: item.domain)
    del exported.opset_import[:]
    exported.opset_import.extend(imports)  # their order differs between processes
    return bytes(exported.SerializeToString(deterministic=True))
