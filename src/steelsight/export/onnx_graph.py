"""What of an ONNX graph int8 needs to know: who makes a tensor, who takes it, and which layers do the work."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from steelsight.inspector.onnxruntime import silent_onnxruntime

HEAVY = ("Conv", "Gemm", "MatMul")


@dataclass(frozen=True, eq=False)
class GraphLinks:
    """The links of a graph.

    Attributes:
        graph: ONNX's own.
        makers: the node that makes a tensor, by the tensor's name.
        takers: the nodes that take it, each with the place of its input.
        weights: constants by name.
    """

    graph: Any
    makers: dict[str, Any]
    takers: dict[str, list[tuple[Any, int]]]
    weights: dict[str, Any]

    @classmethod
    def of(cls, model: Any) -> Self:
        """Follow a model's graph."""
        takers: dict[str, list[tuple[Any, int]]] = {}
        for node in model.graph.node:
            for place, name in enumerate(node.input):
                takers.setdefault(name, []).append((node, place))
        makers = {name: node for node in model.graph.node for name in node.output}
        return cls(model.graph, makers, takers, {tensor.name: tensor for tensor in model.graph.initializer})

    def is_made_by(self, tensor: str, kind: str) -> bool:
        """Whether a node of that kind makes the tensor."""
        return tensor in self.makers and self.makers[tensor].op_type == kind


def is_grouped(node: Any) -> bool:
    """Whether a convolution is depthwise, or in groups."""
    return any(attribute.name == "group" and attribute.i > 1 for attribute in node.attribute)


def channels(model: Any) -> dict[str, int]:
    """How many channels each tensor with four axes has, by its name."""
    import onnx

    found = {}
    for value in onnx.shape_inference.infer_shapes(model).graph.value_info:
        axes = value.type.tensor_type.shape.dim
        if len(axes) == 4 and axes[1].dim_value:
            found[value.name] = axes[1].dim_value
    return found


def layer_name(node: Any) -> str:
    """What the network calls a layer, which its weights' name tells: `decoder.blocks.x_0_3.conv1.0`.

    >>> from onnx import helper
    >>> layer_name(helper.make_node("Conv", ["x", "network.network.decoder.conv1.0.weight"], ["y"], name="node_Conv_3"))
    'decoder.conv1.0'
    """
    name = str(node.input[1]) if len(node.input) > 1 else str(node.name)
    while name.startswith("network."):
        name = name.removeprefix("network.")
    return name.removesuffix(".weight")


def largest(model: Any, tensors: Sequence[str], inputs: Sequence[NDArray[np.float32]]) -> dict[str, float]:
    """The greatest absolute value of each tensor over the inputs, one at a time."""
    found = dict.fromkeys(tensors, 0.0)
    for values in _run(model, tensors, inputs):
        for name, value in zip(tensors, values, strict=True):
            found[name] = max(found[name], float(np.abs(value).max()))
    return found


def _run(
    model: Any, tensors: Sequence[str], inputs: Sequence[NDArray[np.float32]]
) -> Iterator[Sequence[NDArray[np.float32]]]:
    import onnx

    onnxruntime = silent_onnxruntime()
    told = onnx.ModelProto()
    told.CopyFrom(model)
    told.graph.output.extend(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in tensors)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(told.SerializeToString(), options, providers=["CPUExecutionProvider"])
    for one in inputs:
        yield session.run(list(tensors), {model.graph.input[0].name: one[None]})
