"""The same network with tensors that are concatenated brought to the same range, exactly.

int8 gives all inputs of a concatenation one scale. In a UNet++ the encoder's tensors reach to 60 and the decoder's to 10, and
these are left with 20 levels of 256. A ReLU commutes with a positive factor: if the convolution before it is multiplied by a
power of two and the weights that take its output are divided by it, not one bit of what the network says in fp32 changes.

Source: cross-layer equalisation; Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias
Correction", 2019.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelsight.export.onnx_graph import HEAVY, GraphLinks, channels, is_grouped, largest


@dataclass(frozen=True, eq=False)
class _Scalable:
    """The output of a ReLU that goes into a concatenation.

    Attributes:
        tensor: its name.
        maker: the convolution before the ReLU.
        takers: convolutions that take it in the end, each with the first of its input channels that are this tensor's.
    """

    tensor: str
    maker: Any
    takers: tuple[tuple[Any, int], ...]


def equalise(model: Any, inputs: Sequence[NDArray[np.float32]]) -> None:
    """Multiply by powers of two, in place, what a network's concatenations are fed by its own ReLUs.

    Args:
        model: ONNX, in fp32.
        inputs: float32 (channels, height, width), of real images: ranges are taken from them.
    """
    links, sizes = GraphLinks.of(model), channels(model)
    scalable = _scalable(links, sizes)
    if not scalable:
        return
    parts = [name for node in model.graph.node if node.op_type == "Concat" for name in node.input if name in sizes]
    last = next(reversed(model.graph.node))
    parts = [name for name in dict.fromkeys(parts) if not _is_answer(links, name, last)]
    ranges = largest(model, list(dict.fromkeys([*parts, *(one.tensor for one in scalable)])), inputs)
    reach = max(ranges.values())
    for one in scalable:
        if ranges[one.tensor] > 0:
            factor = 2.0 ** math.floor(math.log2(reach / ranges[one.tensor]))
            _multiply(links, one, sizes[one.tensor], np.float32(factor))


def _is_answer(links: GraphLinks, tensor: str, last: Any) -> bool:
    """Whether a tensor goes into the softmax at the end alone: no int8 follows it."""
    waiting, seen = [tensor], set()
    while waiting:
        for node, _ in links.takers.get(waiting.pop(), []):
            if node.op_type in HEAVY:
                return False
            if node.name not in seen and node is not last:
                seen.add(node.name)
                waiting.extend(node.output)
    return True


def _scalable(links: GraphLinks, sizes: dict[str, int]) -> list[_Scalable]:
    found = []
    for node in links.graph.node:
        maker = links.makers.get(node.input[0]) if node.op_type == "Relu" else None
        if maker is None or maker.op_type != "Conv" or len(links.takers[node.input[0]]) > 1:
            continue
        tensor = node.output[0]
        takers = _takers(links, sizes, tensor)
        joined = any(taker.op_type != "Conv" for taker, _ in links.takers.get(tensor, []))
        weights = [maker.input[1], *(taker.input[1] for taker, _ in takers)]
        alone = all(name in links.weights and len(links.takers[name]) == 1 for name in weights)
        if takers and joined and alone and not is_grouped(maker) and tensor in sizes:
            found.append(_Scalable(tensor, maker, tuple(takers)))
    return found


def _takers(links: GraphLinks, sizes: dict[str, int], tensor: str) -> list[tuple[Any, int]]:
    """The convolutions at the end of every way that a tensor takes through concatenations and enlargements; none if one of
    the ways ends elsewhere."""
    found: list[tuple[Any, int]] = []
    for node, place in links.takers.get(tensor, []):
        if node.op_type == "Conv" and place == 0 and not is_grouped(node):
            found.append((node, 0))
            continue
        if not (node.op_type == "Concat" and _axis(node) == 1) and not (node.op_type == "Resize" and place == 0):
            return []
        before = node.input[:place]
        further = _takers(links, sizes, node.output[0])
        if not further or any(name not in sizes for name in before):
            return []
        first = sum(sizes[name] for name in before)
        found.extend((taker, first + start) for taker, start in further)
    return found


def _axis(node: Any) -> int:
    return next(int(attribute.i) for attribute in node.attribute if attribute.name == "axis")


def _multiply(links: GraphLinks, one: _Scalable, count: int, factor: np.float32) -> None:
    from onnx import numpy_helper

    def change(name: str, part: Any, by: np.float32) -> None:
        values = numpy_helper.to_array(links.weights[name]).copy()
        values[part] *= by
        links.weights[name].CopyFrom(numpy_helper.from_array(values, name))

    for name in one.maker.input[1:]:
        change(name, ..., factor)
    for taker, first in one.takers:
        change(taker.input[1], (slice(None), slice(first, first + count)), np.float32(1) / factor)
