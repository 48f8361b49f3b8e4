"""Give an exported model two inputs, all numbers and all categories, in place of one for each feature.

ONNX Runtime spends about a microsecond on each input, and a small model hardly longer on a row.
"""

from typing import Any

_SPLIT_IN_A_NUMBER = 18  # the operator set in which a node says into how many parts it splits


def pack_inputs(model: Any, numbers: int) -> None:
    """Change an ONNX model: its first inputs, which are `numbers`, become one of that width, and the others another.

    The new inputs have the shape `(rows, features)`, in the order of those that they replace, whose shape is
    `(rows, 1)`.
    """
    graph = model.graph
    inputs = list(graph.input)
    nodes, splits, packed = list(graph.node), [], []
    for name, group in (("numbers", inputs[:numbers]), ("categories", inputs[numbers:])):
        if not group:
            continue
        parts = [entry.name for entry in group]
        whole = _unused_name(graph, name)
        packed.append(_packed(group[0], whole, len(parts)))
        nodes = _without_concatenation(nodes, parts, whole)
        if any(part in node.input for node in nodes for part in parts):
            splits.append(_split(whole, parts, _operator_set(model)))
    del graph.input[:], graph.node[:]
    graph.input.extend(packed)
    graph.node.extend([*splits, *nodes])


def _operator_set(model: Any) -> int:
    """Return the version of ONNX's own operators that the model uses; the exporter takes no newer one than it needs."""
    versions = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    if not versions:
        versions = [_SPLIT_IN_A_NUMBER]
        model.opset_import.add(domain="", version=versions[0])
    return int(versions[0])


def _unused_name(graph: Any, name: str) -> str:
    used = {entry.name for entry in [*graph.input, *graph.initializer]}
    used |= {tensor for node in graph.node for tensor in [*node.input, *node.output]}
    while name in used:
        name += "_"
    return name


def _packed(part: Any, name: str, width: int) -> Any:
    from onnx import helper

    return helper.make_tensor_value_info(name, part.type.tensor_type.elem_type, [None, width])


def _split(whole: str, parts: list[str], operator_set: int) -> Any:
    """Return the node that divides a packed input into the parts that the graph reads."""
    from onnx import helper

    if len(parts) == 1:
        return helper.make_node("Identity", [whole], parts, name=f"parts of {whole}")
    into: dict[str, Any] = {"num_outputs": len(parts)} if operator_set >= _SPLIT_IN_A_NUMBER else {}
    return helper.make_node("Split", [whole], parts, name=f"parts of {whole}", axis=1, **into)


def _without_concatenation(nodes: list[Any], parts: list[str], whole: str) -> list[Any]:
    """Return the nodes without those that only make the packed input of its parts; their readers read the input."""
    made = {node.output[0] for node in nodes if node.op_type == "Concat" and list(node.input) == parts}
    for node in nodes:
        for position, tensor in enumerate(node.input):
            if tensor in made:
                node.input[position] = whole
    return [node for node in nodes if node.output[0] not in made]
