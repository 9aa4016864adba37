"""fp16: a network's weights stored in half the bytes; it still computes in fp32."""

from pathlib import Path

import numpy as np

SMALLEST = 256
"""Values from which on a tensor is stored in half: what smaller ones save is less than the node that widens them takes."""


def store_in_half(path: Path) -> None:
    """Store the weights of an ONNX file in half precision, in place, each widened to fp32 where it is read.

    A tensor with a value beyond 65,504, the greatest of half precision, stays in fp32.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load(path)
    graph, widen = model.graph, []
    for place, tensor in enumerate(graph.initializer):
        if tensor.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        if values.size < SMALLEST or np.abs(values).max() > np.finfo(np.float16).max:
            continue
        stored = f"{tensor.name}_half"
        widen.append(helper.make_node("Cast", [stored], [tensor.name], to=TensorProto.FLOAT))
        graph.initializer[place].CopyFrom(numpy_helper.from_array(values.astype(np.float16), stored))
    nodes = [*widen, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.save(model, path)
