"""Tensors that are concatenated reach as far as each other, and the network says what it said to the last bit."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from helpers.int8 import run_onnx
from torch import Tensor, nn

from steelsight.export.equalise import equalise
from steelsight.export.onnx_graph import largest


class _Joined(nn.Module):
    """As in a UNet++: a tensor that reaches far beside one that does not, straight and enlarged."""

    def __init__(self, grouped: bool) -> None:
        super().__init__()
        self.far = nn.Conv2d(1, 2, 1)
        self.near = nn.Conv2d(1, 4, 3, padding=1)
        self.inner = nn.Conv2d(4, 4, 3, stride=2, padding=1)
        self.last = nn.Conv2d(10, 10, 3, padding=1, groups=2 if grouped else 1)

    def forward(self, inputs: Tensor) -> Tensor:
        near = torch.relu(self.near(inputs))
        inner = torch.relu(self.inner(near))
        joined = torch.cat([nn.functional.interpolate(inner, scale_factor=2.0), self.far(inputs) * 1.0, near], dim=1)
        return torch.sigmoid(self.last(joined))


def _joined(path: Path, *, grouped: bool = False) -> Any:
    torch.manual_seed(0)
    network = _Joined(grouped).eval()
    with torch.no_grad():
        network.far.weight *= 100
    torch.onnx.export(network, (torch.zeros(1, 1, 16, 32),), path, dynamo=True, external_data=False, verbose=False)
    return onnx.load(path)


INPUTS = [np.random.default_rng(seed).standard_normal((1, 16, 32)).astype(np.float32) for seed in range(3)]


def _concatenated(model: Any) -> dict[str, float]:
    (concat,) = (node for node in model.graph.node if node.op_type == "Concat")
    return largest(model, list(concat.input), INPUTS)


def test_ranges_are_alike_and_the_answer_is_the_same_to_the_last_bit(tmp_path: Path) -> None:
    model = _joined(tmp_path / "network.onnx")
    before = _concatenated(model)
    equalise(model, INPUTS)
    after = _concatenated(model)
    assert max(before.values()) > 20 * min(before.values())
    assert max(after.values()) == max(before.values()) < 2.0001 * min(after.values())
    onnx.checker.check_model(model)
    onnx.save(model, tmp_path / "equal.onnx")
    for one in INPUTS:
        answers = [run_onnx(tmp_path / name, one[None]) for name in ("network.onnx", "equal.onnx")]
        np.testing.assert_array_equal(*answers)


def test_what_goes_into_a_grouped_convolution_stays(tmp_path: Path) -> None:
    model = _joined(tmp_path / "network.onnx", grouped=True)
    before = model.SerializeToString()
    equalise(model, INPUTS)
    assert model.SerializeToString() == before
