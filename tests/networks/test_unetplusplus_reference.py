"""The reference's segmenter: its parameters to the last one, its taps inside timm's blocks, its graph in OpenVINO."""

from pathlib import Path
from typing import Any

import numpy as np
import openvino
import pytest
import torch
from torch import nn

from steelsight.export.tolerance import PROBABILITY
from steelsight.imaging.preprocess import Preprocess
from steelsight.inspector.onnxruntime import silent_onnxruntime
from steelsight.networks.build import SEGMENTER, build_segmenter, count_parameters
from steelsight.networks.cells import CellClassifier
from steelsight.networks.onnx import write_onnx
from steelsight.networks.torch_engine import TorchNetwork
from steelsight.networks.unetplusplus_reference import TappedEncoder, expanded
from steelsight.networks.weights import load_encoder

REFERENCE, NOMINAL = "unetplusplus-reference", "unetplusplus-nominal"
TOP = ("conv_head.", "bn2.")


def of(encoder: Any, decoder: Any = REFERENCE, widths: Any = None, channels: int = 3, **more: Any) -> Any:
    return build_segmenter(encoder, decoder, widths, 4, channels, **more)


@pytest.mark.parametrize(("encoder", "parameters"), [("b3", 21_347_628), ("b4", 29_036_892), ("b5", 40_883_700)])
def test_parameters_are_those_that_the_reference_prints(encoder: str, parameters: int) -> None:
    with torch.device("meta"):
        assert count_parameters(of(encoder)) == parameters
        assert count_parameters(of(encoder, NOMINAL)) != parameters


@pytest.mark.parametrize(
    ("encoder", "parameters"), [("b0", 4_049_564), ("b3", 10_783_528), ("b4", 17_673_816), ("b5", 28_513_520)]
)
def test_parameters_of_the_encoder_are_those_that_the_reference_prints(encoder: str, parameters: int) -> None:
    with torch.device("meta"):
        assert count_parameters(of(encoder).backbone) == parameters


@pytest.mark.parametrize(
    ("decoder", "widths"), [(REFERENCE, [16, 256, 128, 64, 32]), (NOMINAL, [256, 128, 64, 32, 16])]
)
def test_rows_have_their_widths_and_their_nodes(decoder: str, widths: list[int]) -> None:
    with torch.device("meta"):
        nodes = of("b0", decoder).network.nodes
    assert sorted(nodes) == ["0_1", "1_1", "1_2", "1_3", "1_4", "2_1", "2_2", "2_3", "3_1", "3_2", "4_1"]
    for name, node in nodes.items():
        width = widths[4 - int(name[0])]
        assert [layer.weight.shape[2:] for layer in (node.up[0], node.conv[0])] == [(4, 4), (3, 3)]
        assert (node.up[0].out_channels, node.conv[0].out_channels) == (width, width)
        assert node.up[0].bias is None
        assert node.conv[0].bias is None


def test_taps_lie_where_the_table_says() -> None:
    """B0: stages of 16, 24, 40, 80, 112, 192, 320 channels, expanded six times."""
    with torch.device("meta"):
        encoder = TappedEncoder("b0", 3, 0.0)
        skips, sources = encoder(torch.empty(1, 3, 64, 128))
    assert [tuple(skip.shape[1:]) for skip in skips] == [(96, 32, 64), (144, 16, 32), (240, 8, 16), (672, 4, 8)]
    assert [tuple(source.shape[1:]) for source in sources] == [(144, 16, 32), (240, 8, 16), (480, 4, 8), (1280, 2, 4)]
    assert encoder.skip_channels == (96, 144, 240, 672)
    assert encoder.source_channels == (144, 240, 480, 1280)


@pytest.mark.parametrize("training", [False, True])
def test_the_tapped_encoder_computes_what_timm_computes(training: bool) -> None:
    torch.manual_seed(0)
    encoder = TappedEncoder("b0", 1, 0.0).train(training)
    inputs = torch.rand(2, 1, 64, 96)
    with torch.no_grad():
        assert torch.equal(encoder(inputs)[1][-1], encoder.model.forward_features(inputs))
        block, features = encoder.model.blocks[1][1], torch.rand(2, 24, 16, 16)
        assert torch.equal(expanded(block, features)[1], block(features))


def test_stochastic_depth_drops_blocks_in_training_alone() -> None:
    torch.manual_seed(0)
    encoder = TappedEncoder("b0", 1, 0.9).eval()
    inputs = torch.rand(4, 1, 64, 64)
    with torch.no_grad():
        assert torch.equal(encoder(inputs)[1][-1], encoder(inputs)[1][-1])
        for module in encoder.modules():  # so that only the drop rate makes passes differ
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = 0.0
        encoder.train()
        assert not torch.equal(encoder(inputs)[1][-1], encoder(inputs)[1][-1])


def test_every_normalisation_has_the_epsilon_of_tensorflow() -> None:
    with torch.device("meta"):
        norms = [module for module in of("b0").modules() if isinstance(module, nn.BatchNorm2d)]
    assert {norm.eps for norm in norms} == {1e-3}


def test_a_classifier_with_cells_may_start_from_its_encoder(tmp_path: Path) -> None:
    """Whose top convolution it has no use for; it is another network's where a tensor of a block is missing."""
    from safetensors.torch import save_file

    segmenter, other = of("lite0", channels=1), CellClassifier("lite0", 1, 4, 0.0, 0.0)
    save_file(segmenter.state_dict(), tmp_path / "weights.safetensors")
    load_encoder(other, tmp_path / "weights.safetensors")
    mine, its = segmenter.backbone.state_dict(), other.backbone.state_dict()
    assert all(torch.equal(mine[name], tensor) for name, tensor in its.items())
    assert {name for name in mine if name not in its} == {name for name in mine if name.startswith(TOP)}
    assert next(iter(segmenter.state_dict())).startswith(SEGMENTER)


def test_it_says_the_same_as_an_onnx_file_in_both_runtimes(tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    preprocess = Preprocess(height=64, width=128, colour="grey")
    model = of("b0", widths=(8, 16, 16, 8, 8), channels=1, drop_path=0.2).train()
    with torch.no_grad():
        for _ in range(6):
            model(torch.rand(4, 1, 64, 64))
        model.network.segmentation_head[0].weight *= 3
    network = TorchNetwork(preprocess, model.eval(), torch.device("cpu"), "fp32")
    inputs = np.random.default_rng(0).random((3, 1, 64, 128), np.float32)
    expected, path = network.probabilities(inputs), tmp_path / "network.onnx"
    write_onnx(network, path)
    torch.set_num_threads(threads)
    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    session = silent_onnxruntime().InferenceSession(path)
    for answer in (compiled([inputs])[0], session.run(["probabilities"], {"input": inputs})[0]):
        np.testing.assert_allclose(answer, expected, rtol=0, atol=PROBABILITY)
    assert expected.std() > 0.05
