"""ONNX files of a real network, with both runtimes that read them, on drawn strips (see tests/export for other networks)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import openvino
import pytest
import torch
from helpers.data import SAMPLE

from steelsight.export.tolerance import PROBABILITY
from steelsight.imaging.preprocess import Preprocess
from steelsight.imaging.read import list_images, read_image
from steelsight.inspector.onnxruntime import silent_onnxruntime
from steelsight.networks.member import build_member
from steelsight.networks.onnx import OnnxGraph
from steelsight.networks.torch_engine import TorchNetwork
from steelsight.recipe import load_recipe

PREPROCESS = Preprocess(height=64, width=256, colour="grey", mean=0.5, deviation=0.5)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def networks() -> list[TorchNetwork]:
    """The same FPN with two sets of weights."""
    member = load_recipe("lite", ["members.*.weights=random"]).members[0]
    member = member.model_copy(
        update={"decoder": "fpn", "decoder_channels": (32, 32), "input": PREPROCESS, "prior": 0.5}
    )
    made = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        made.append(TorchNetwork(PREPROCESS, _lively(build_member(member, 4)), torch.device("cpu"), "fp32"))
    return made


def _lively(network: Any) -> Any:
    """Statistics of noise, and answers further from each other than those of a fresh network."""
    network.train()
    with torch.no_grad():
        for _ in range(10):
            network(torch.rand(4, 1, 64, 64) * 2 - 1)
        network.network.segmentation_head[0].weight *= 3
    return network.eval()


@pytest.fixture(scope="module")
def graph(networks: list[TorchNetwork]) -> Any:
    return OnnxGraph.trace(networks[0])


def test_a_graph_traced_once_says_what_each_network_says(
    graph: Any, networks: list[TorchNetwork], tmp_path: Path
) -> None:
    images = [read_image(path) for path in list_images(SAMPLE / "train_images")[:3]]
    inputs = np.stack([PREPROCESS.to_input(image) for image in images])
    said = [network.probabilities(inputs) for network in networks]
    for number, (network, expected) in enumerate(zip(networks, said, strict=True)):
        path = tmp_path / f"{number}.onnx"
        graph.write(network, path)
        compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        session = silent_onnxruntime().InferenceSession(path)
        for given in (inputs, inputs[:1]):
            for answer in (compiled([given])[0], session.run(["probabilities"], {"input": given})[0]):
                np.testing.assert_allclose(answer, expected[: len(given)], rtol=0, atol=PROBABILITY)
    assert np.abs(said[0] - said[1]).max() > 0.05


def test_a_file_names_input_and_output_and_no_path_of_this_machine(
    graph: Any, networks: list[TorchNetwork], tmp_path: Path
) -> None:
    path = tmp_path / "network.onnx"
    graph.write(networks[0], path)
    model = onnx.load(path)
    (given,), (answer,) = model.graph.input, model.graph.output
    sizes = [[one.dim_value for one in end.type.tensor_type.shape.dim] for end in (given, answer)]
    assert (given.name, answer.name) == ("input", "probabilities")
    assert sizes == [[0, 1, 64, 256], [0, 4, 64, 256]]
    assert b"site-packages" not in path.read_bytes()


def test_weights_of_another_network_are_refused(graph: Any, tmp_path: Path) -> None:
    other = TorchNetwork(PREPROCESS, torch.nn.Conv2d(1, 4, 1), torch.device("cpu"), "fp32")
    with pytest.raises(ValueError, match="the graph has weights"):
        graph.write(other, tmp_path / "x.onnx")
