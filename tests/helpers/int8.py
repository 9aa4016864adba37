"""What of an ONNX network is in int8."""

from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray


def count_int8(path: Any) -> Any:
    return sum(node.op_type == "DequantizeLinear" for node in onnx.load(path).graph.node)


def run_onnx(path: Any, inputs: NDArray[np.float32]) -> Any:
    """What a network in an ONNX file answers."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (answer,) = session.run(None, {session.get_inputs()[0].name: inputs})
    return answer
