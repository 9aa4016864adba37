"""What of an ONNX network is in int8."""

import onnx


def count_int8(path):
    return sum(node.op_type == "DequantizeLinear" for node in onnx.load(path).graph.node)
