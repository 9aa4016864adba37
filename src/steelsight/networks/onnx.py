"""Trained networks as ONNX files, with probabilities for answers, that any runtime can read without torch."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import onnx_ir
import torch
from torch import Tensor, nn

from steelsight.inspector.artifact import INPUT, OUTPUT
from steelsight.networks.build import probabilities
from steelsight.networks.torch_engine import TorchNetwork

_EXAMPLE_BATCH = 2  # torch.export takes a batch of 1 for a constant
_PREFIX = "network."  # of the weights' names in the graph, see _Probabilities


class _Probabilities(nn.Module):
    """`probabilities` of a network as one graph."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> Tensor:
        return probabilities(self.network, inputs)


@dataclass(frozen=True, eq=False)
class OnnxGraph:
    """The graph of a member, traced once and written with the weights of each fold: tracing takes ten times as long.

    float32 `input` (n, channels, height, width) -> float32 `probabilities`, n as one likes.

    Attributes:
        program: torch's ONNX program.
        graph: its graph before anything is folded, so that each weight stands there under its name.
    """

    program: Any
    graph: Any

    @classmethod
    def trace(cls, network: TorchNetwork) -> Self:
        """Follow a network's computation at the working size of its `Preprocess`."""
        preprocess = network.preprocess
        size = (_EXAMPLE_BATCH, preprocess.channels, preprocess.height, preprocess.width)
        with _quiet(), torch.no_grad(), _out_of_place(network.model):
            program: Any = torch.onnx.export(
                _Probabilities(network.model).eval(),
                (torch.zeros(size, device=network.device),),
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamo=True,
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                optimize=False,
                verbose=False,
            )
        for part in (program.model.graph, *program.model.graph.all_nodes()):
            part.metadata_props.clear()  # source lines, with the paths of this machine
        return cls(program, onnx_ir.to_proto(program.model))

    def write(self, network: TorchNetwork, path: Path) -> None:
        """Write the graph with the weights of a network of the same member, all in one file.

        Raises:
            ValueError: the network lacks weights of the one that was traced.
        """
        model = onnx_ir.from_proto(self.graph)
        weights = {f"{_PREFIX}{name}": tensor for name, tensor in network.model.state_dict().items()}
        places = model.graph.initializers
        if not places.keys() <= weights.keys():
            raise ValueError(
                f"the graph has weights {sorted(places.keys() - weights.keys())}, the network does not have"
            )
        for name, place in places.items():
            place.const_value = onnx_ir.tensor(weights[name].detach().cpu().contiguous().numpy(), name=name)
        self.program.model = model
        with _quiet():
            self.program.optimize()
            self.program.save(path, external_data=False)


def write_onnx(network: TorchNetwork, path: Path) -> None:
    """Write one network; see `OnnxGraph`, which is quicker for several of the same member."""
    OnnxGraph.trace(network).write(network, path)


@contextmanager
def _out_of_place(model: nn.Module) -> Iterator[None]:
    """Let activations write beside their input: the same graph but for names, traced sooner."""
    inside: list[Any] = [part for part in model.modules() if getattr(part, "inplace", False) is True]
    for part in inside:
        part.inplace = False
    try:
        yield
    finally:
        for part in inside:
            part.inplace = True


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's notes to its own developers off the terminal; what fails still raises."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
