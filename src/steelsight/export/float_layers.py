"""Which layers of an int8 network compute in floating point after all: those that move its answer most for their time.

Each layer is tried alone in int8, and how far the answer moves is measured. Layers then go back in that order until the
answer of the whole is near enough to that of fp32. The last layer's bias takes back what is left of a shift of a whole class.
"""

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelsight.export.onnx_graph import HEAVY, GraphLinks, layer_name

Answers = NDArray[np.float32]

_SURE = 1e-6  # log odds of what is surer are not told apart
_LOOK_THROUGH = ("Concat", "Resize", "MaxPool")


@dataclass(frozen=True, eq=False)
class Control:
    """How far a network in int8 may move from fp32.

    Attributes:
        answers: what the network in an ONNX file says of some images, in [0, 1].
        max_difference: see `difference`.
    """

    answers: Callable[[Path], Answers]
    max_difference: float


@dataclass(frozen=True)
class Chosen:
    """What came of it.

    Attributes:
        model: ONNX.
        back: layers that went back, by the names that the network has for them.
        before, after: the difference with all layers in int8, and with those.
        int8_share: of the products of the layers, those that are computed in int8.
    """

    model: Any
    back: tuple[str, ...]
    before: float
    after: float
    int8_share: float


def difference(answers: Answers, reference: Answers) -> float:
    """How far probabilities lie apart: 1 minus their soft Dice; 1 where they are no probabilities.

    >>> difference(np.float32([0.9, 0]), np.float32([1, 0])).__round__(3)
    0.053
    """
    if not np.isfinite(answers).all():
        return 1.0
    both = float(answers.sum(dtype=np.float64) + reference.sum(dtype=np.float64))
    return float(np.abs(answers - reference).sum(dtype=np.float64)) / both if both > 0 else 0.0


def choose_float_layers(fp32: Any, quantised: Any, control: Control, path: Path) -> Chosen:
    """Take back as few layers as bring the answer within the limit; all of them if none does.

    Args:
        fp32, quantised: the same network in ONNX; a layer has the same name in both.
        path: a file to try networks in; it is gone in the end.
    """
    import onnx

    products = _products(fp32)
    layers = [name for name in in_int8(quantised) if name in products]

    def answers(model: Any) -> Answers:
        onnx.save(model, path)
        return control.answers(path)

    def moved(back: Iterable[str]) -> float:
        found = answers(with_float_layers(quantised, fp32, back))
        return difference(found if bias is None else _without_shift(found, reference), reference)

    try:
        reference = answers(fp32)
        bias = _bias_of_classes(fp32, reference)
        before = moved(())
        order: list[str] = []
        count = 0
        if before > control.max_difference:
            order = _order(layers, products, moved)
            count = _fewest(lambda count: moved(order[:count]) <= control.max_difference, len(order))
        model = with_float_layers(quantised, fp32, order[:count])
        if bias is not None:
            _lower(model, bias, logit_shift(answers(model), reference))
        after = difference(answers(model), reference)
    finally:
        path.unlink(missing_ok=True)
    back = order[:count]
    names = {node.name: layer_name(node) for node in fp32.graph.node}
    kept = sum(products[name] for name in layers if name not in back)
    return Chosen(
        model=model,
        back=tuple(names[name] for name in back),
        before=before,
        after=after,
        int8_share=kept / sum(products.values()),
    )


def logit_shift(answers: Answers, reference: Answers) -> NDArray[np.float64]:
    """By how much the log odds of each class lie above the reference's on average; what is unsure counts most.

    Args:
        answers, reference: probabilities (n, classes, height, width).

    Returns:
        float64 (classes,).

    >>> odds = np.array([0.2, 0.5, 0.7]).reshape(1, 1, 1, 3)
    >>> raised = 1 / (1 + (1 - odds) / odds * np.exp(-0.3))
    >>> logit_shift(raised, odds).round(6).tolist()
    [0.3]
    """
    low, high = (np.clip(np.asarray(part, np.float64), _SURE, 1 - _SURE) for part in (reference, answers))
    weights = low * (1 - low)
    apart = np.log(high / (1 - high)) - np.log(low / (1 - low))
    axes = (0, 2, 3)
    return np.asarray((weights * apart).sum(axes) / weights.sum(axes))


def _order(layers: list[str], products: dict[str, float], moved: Callable[[Iterable[str]], float]) -> list[str]:
    """By the square of what a layer alone moves, since these add up, over the products that it computes."""
    floor = moved(layers)
    alone = {name: max(0.0, moved(set(layers) - {name}) ** 2 - floor**2) for name in layers}
    return sorted(layers, key=lambda name: (-alone[name] / products[name], name))


def _fewest(is_enough: Callable[[int], bool], most: int) -> int:
    """The least count that is enough, by doubling, then halving; `most` if none is."""
    low, high = 0, 1
    while high < most and not is_enough(high):
        low, high = high, min(2 * high, most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def _bias_of_classes(model: Any, answers: Answers) -> str | None:
    """The bias of the last layer, if it is one value for each class of maps."""
    last = [node for node in model.graph.node if node.op_type in HEAVY][-1:]
    if answers.ndim != 4 or not last or len(last[0].input) < 3:
        return None
    sizes = {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}
    name = str(last[0].input[2])
    return name if sizes.get(name) == [answers.shape[1]] else None


def _lower(model: Any, bias: str, shift: NDArray[np.float64]) -> None:
    from onnx import numpy_helper

    (tensor,) = (tensor for tensor in model.graph.initializer if tensor.name == bias)
    values = numpy_helper.to_array(tensor) - shift
    tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float32), bias))


def _without_shift(answers: Answers, reference: Answers) -> Answers:
    """Probabilities as they will be once the last layer's bias takes back what they are shifted by."""
    if not np.isfinite(answers).all():
        return answers
    part = np.clip(np.asarray(answers, np.float64), _SURE, 1 - _SURE)
    odds = part / (1 - part) * np.exp(-logit_shift(answers, reference))[:, None, None]
    return np.asarray(odds / (1 + odds), np.float32)


def in_int8(model: Any) -> list[str]:
    """Names of the layers whose weights are int8."""
    links = GraphLinks.of(model)
    return [
        node.name
        for node in model.graph.node
        if node.op_type in HEAVY and links.is_made_by(node.input[1], "DequantizeLinear")
    ]


def with_float_layers(quantised: Any, fp32: Any, names: Iterable[str]) -> Any:
    """The int8 network with these layers as they are in fp32: their weights, and what they take before it is rounded."""
    model = copy.deepcopy(quantised)
    links, wanted = GraphLinks.of(model), set(names)
    originals, weights = {node.name: node for node in fp32.graph.node}, GraphLinks.of(fp32).weights
    added: dict[str, Any] = {}
    unrounded: dict[str, Any] = {}
    for node in model.graph.node:
        if node.name not in wanted:
            continue
        constants = list(originals[node.name].input[1:])
        for name in constants:
            if name in weights:
                added[f"{name}_fp32"] = copy.deepcopy(weights[name])
                added[f"{name}_fp32"].name = f"{name}_fp32"
        source = _unrounded(links, node.input[0], unrounded)
        del node.input[:]
        node.input.extend([source, *(f"{name}_fp32" if name in weights else name for name in constants)])
    model.graph.initializer.extend(added.values())
    _keep_what_is_needed(model.graph, [*model.graph.node, *unrounded.values()])
    return model


def _unrounded(links: GraphLinks, tensor: str, made: dict[str, Any]) -> str:
    """The same tensor before int8; nodes that only pass values on are made a second time for it."""
    node = links.makers.get(tensor)
    if node is None:
        return tensor
    if node.op_type == "DequantizeLinear" and links.is_made_by(node.input[0], "QuantizeLinear"):
        return _unrounded(links, links.makers[node.input[0]].input[0], made)
    if node.op_type not in _LOOK_THROUGH:
        return tensor
    sources = [_unrounded(links, name, made) for name in node.input]
    if sources == list(node.input):
        return tensor
    name = f"{tensor}_fp32"
    if name not in made:
        twin = copy.deepcopy(node)
        twin.name, twin.output[0] = f"{node.name}_fp32", name
        del twin.input[:]
        twin.input.extend(sources)
        made[name] = twin
    return name


def _keep_what_is_needed(graph: Any, nodes: list[Any]) -> None:
    """Nodes in an order in which each finds its inputs made, and only those that the answer rests on; constants likewise."""
    makers = {name: place for place, node in enumerate(nodes) for name in node.output}
    ordered: dict[int, None] = {}
    waiting = [(makers[output.name], False) for output in graph.output]
    while waiting:
        place, is_ready = waiting.pop()
        if is_ready:
            ordered[place] = None
        elif place not in ordered:
            waiting.append((place, True))
            waiting.extend((makers[name], False) for name in nodes[place].input if name in makers)
    kept = [copy.deepcopy(nodes[place]) for place in ordered]
    taken = {name for node in kept for name in node.input}
    tensors = [copy.deepcopy(tensor) for tensor in graph.initializer if tensor.name in taken]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(kept)
    graph.initializer.extend(tensors)


def _products(model: Any) -> dict[str, float]:
    """Multiplications of each layer for one image, by its name."""
    import onnx

    links = GraphLinks.of(onnx.shape_inference.infer_shapes(model))
    known = (*links.graph.value_info, *links.graph.output)
    shapes = {value.name: [axis.dim_value for axis in value.type.tensor_type.shape.dim] for value in known}
    found = {}
    for node in links.graph.node:
        if node.op_type in HEAVY and node.input[1] in links.weights:
            places = shapes.get(node.output[0], [])[2:] if node.op_type == "Conv" else []
            found[node.name] = float(np.prod(links.weights[node.input[1]].dims) * max(1.0, np.prod(places)))
    return found
