"""Export a fitted pipeline to ONNX."""

from typing import Any

from cd4ml.bundle.exact_comparisons import inexact_comparison, with_float32_thresholds
from cd4ml.contract.contract import Task
from cd4ml.errors import describe

_OPSET = 21


class NotExportableError(Exception):
    """The pipeline has no exact ONNX form; the message says why."""


def to_onnx(model: Any, numbers: list[str], categories: list[str], task: Task) -> bytes:
    """Return the pipeline as ONNX, one input a feature; equal pipelines give equal bytes.

    Raises:
        NotExportableError: the converter does not know one of its estimators, or failed.
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
        raise NotExportableError(f"it has no ONNX form ({describe(failure)[:120]})") from failure
    output = exported.graph.output[0 if task == "regression" else 1].name
    if inexact := inexact_comparison(exported.graph, output):
        raise NotExportableError(f"no proof could show its ONNX form to be exact: {inexact}")
    imports = sorted(exported.opset_import, key=lambda item: item.domain)
    del exported.opset_import[:]
    exported.opset_import.extend(imports)  # their order differs between processes
    return bytes(exported.SerializeToString(deterministic=True))
