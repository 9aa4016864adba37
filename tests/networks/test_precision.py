from pathlib import Path
from typing import Any

import pytest
import torch

from steelsight.networks.build import build_classifier, build_segmenter
from steelsight.networks.precision import autocast_for, depthwise_in_fp32, gains_from_bf16, true_fp32


def depthwise(model: Any) -> Any:
    return [m for m in model.modules() if isinstance(m, torch.nn.Conv2d) and 1 < m.groups == m.in_channels]


@pytest.mark.parametrize(
    "build",
    [lambda: build_classifier("lite0", 1), lambda: build_segmenter("lite0", "unetplusplus", (16, 16, 8, 8, 8), 2, 1)],
)
def test_depthwise_convolutions_compute_in_fp32_between_bf16_neighbours(build: Any) -> None:
    model = build().eval()
    names, inputs = list(model.state_dict()), torch.rand(2, 1, 64, 64)
    expected = model(inputs)
    depthwise_in_fp32(model)
    assert list(model.state_dict()) == names
    assert torch.equal(model(inputs), expected)

    passed = []
    for module in depthwise(model):
        module.register_forward_hook(lambda module, given, output: passed.append((module, given[0], output)))
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        model(inputs)
    assert len(passed) == 16
    for module, given, output in tuple(passed):
        assert given.dtype == output.dtype == torch.bfloat16
        with torch.inference_mode():
            assert torch.equal(output, module(given.float()).bfloat16())


def test_gradients_reach_depthwise_weights_in_fp32() -> None:
    model = depthwise_in_fp32(build_classifier("lite0", 1)).train()
    with torch.autocast("cpu", torch.bfloat16):
        loss = model(torch.rand(2, 1, 64, 64)).float().square().sum()
    loss.backward()
    assert all(m.weight.grad is not None and m.weight.grad.dtype == torch.float32 for m in depthwise(model))


def test_state_dicts_pass_between_patched_and_plain_networks(tmp_path: Path) -> None:
    patched, plain = depthwise_in_fp32(build_classifier("lite0", 1)), build_classifier("lite0", 1)
    torch.save(patched.state_dict(), tmp_path / "weights.pt")
    plain.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    inputs = torch.rand(1, 1, 64, 64)
    assert torch.equal(patched.eval()(inputs), plain.eval()(inputs))


def test_autocast_is_on_where_asked_and_where_the_device_gains() -> None:
    left, right = torch.rand(4, 4), torch.rand(4, 4)
    for precision, expected in [
        ("fp32", torch.float32),
        ("bf16", torch.bfloat16),
        ("auto", torch.bfloat16 if gains_from_bf16("cpu") else torch.float32),
    ]:
        with autocast_for("cpu", precision):
            assert (left @ right).dtype == expected


def test_true_fp32_is_for_a_time() -> None:
    former = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    with true_fp32():
        assert not torch.backends.cudnn.allow_tf32
        assert not torch.backends.cuda.matmul.allow_tf32
    assert (torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32) == former
    with autocast_for("cuda", "fp32"):
        assert not torch.backends.cudnn.allow_tf32
