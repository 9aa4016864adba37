from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from timm.layers import Conv2dSame
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from steelsight.networks.build import build_classifier, build_segmenter
from steelsight.networks.processor_training import for_processor_training


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
    for_processor_training(model)
    assert list(model.state_dict()) == names
    assert torch.equal(model(inputs), expected)

    passed = []
    for module in depthwise(model):
        module.register_forward_hook(lambda module, given, output: passed.append((module, given[0], output)))
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        model(inputs)
    assert len(passed) == 16
    for module, taken, output in tuple(passed):
        assert taken.dtype == output.dtype == torch.bfloat16
        with torch.inference_mode():
            assert torch.equal(output, module(taken.float()).bfloat16())


def test_gradients_reach_depthwise_weights_in_fp32() -> None:
    model = for_processor_training(build_classifier("lite0", 1)).train()
    with torch.autocast("cpu", torch.bfloat16):
        loss = model(torch.rand(2, 1, 64, 64)).float().square().sum()
    loss.backward()
    assert all(m.weight.grad is not None and m.weight.grad.dtype == torch.float32 for m in depthwise(model))


def test_state_dicts_pass_between_patched_and_plain_networks(tmp_path: Path) -> None:
    patched, plain = for_processor_training(build_classifier("lite0", 1)), build_classifier("lite0", 1)
    torch.save(patched.state_dict(), tmp_path / "weights.pt")
    plain.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    inputs = torch.rand(1, 1, 64, 64)
    assert torch.equal(patched.eval()(inputs), plain.eval()(inputs))


def gradients(layer: nn.Module, inputs: Tensor) -> list[Tensor]:
    """Output, and the gradients of input and parameters of a sum that weighs each output otherwise."""
    image = inputs.clone().requires_grad_()
    layer.zero_grad()
    output = layer(image)
    (output * torch.linspace(-1, 1, output.numel()).view_as(output)).sum().backward()
    assert image.grad is not None
    return [output.detach(), image.grad, *(weight.grad for weight in layer.parameters() if weight.grad is not None)]


def assert_alike(layer: nn.Module, inputs: Tensor) -> None:
    """What a layer and its gradients give is the same, as it is and computed for a processor."""
    inputs = inputs.contiguous(memory_format=torch.channels_last)
    plain = gradients(layer, inputs)
    changed = gradients(for_processor_training(nn.Sequential(layer)), inputs)
    assert type(layer).__name__.startswith("_")
    for one, other in zip(plain, changed, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-3, atol=1e-4 * max(1.0, float(one.abs().max())))


@settings(max_examples=60, deadline=None)
@given(
    kernel=st.sampled_from([(3, 3), (5, 5), (7, 7), (3, 5), (5, 3), (1, 9)]),
    stride=st.sampled_from([1, 2, 3]),
    padded=st.sampled_from(["none", "half", "same"]),
    bias=st.booleans(),
    size=st.tuples(st.integers(1, 12), st.integers(1, 40)),
    seed=st.integers(0, 99),
)
def test_a_depthwise_convolution_has_the_gradients_of_torch(
    kernel: tuple[int, int], stride: int, padded: str, bias: bool, size: tuple[int, int], seed: int
) -> None:
    torch.manual_seed(seed)
    tall, wide = kernel
    height, width = (max(side, least) if padded == "none" else side for side, least in zip(size, kernel, strict=True))
    if padded == "same":
        layer: nn.Conv2d = Conv2dSame(8, 8, kernel, stride, groups=8, bias=bias)
    else:
        border = (tall // 2, wide // 2) if padded == "half" else (0, 0)
        layer = nn.Conv2d(8, 8, kernel, stride, border, groups=8, bias=bias)
    assert_alike(layer, torch.randn(2, 8, height, width))


@pytest.mark.parametrize("other", [{"dilation": 2}, {"padding": "same"}, {"groups": 4, "out_channels": 8}])
def test_a_depthwise_convolution_of_another_kind_is_left_to_torch(other: dict[str, Any]) -> None:
    layer = nn.Conv2d(**{"in_channels": 4, "out_channels": 4, "kernel_size": 5, "groups": 4, **other})
    assert_alike(layer, torch.randn(2, 4, 20, 20))


def test_a_border_that_is_not_zeros_is_left_as_it_is() -> None:
    layer = nn.Conv2d(4, 4, 5, padding=2, groups=4, padding_mode="reflect")
    inputs = torch.rand(1, 4, 9, 9)
    expected = layer(inputs)
    assert torch.equal(for_processor_training(layer)(inputs), expected)


class Counted(TorchDispatchMode):
    """How many gradients of convolutions are computed."""

    number = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.number += func is torch.ops.aten.convolution_backward.default
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(("weight", "image", "number"), [(True, True, 3), (True, False, 2), (False, True, 1)])
def test_gradients_that_nobody_asks_for_are_spared(weight: bool, image: bool, number: int) -> None:
    """A weight of five columns takes two."""
    layer = for_processor_training(nn.Conv2d(4, 4, 5, padding=2, groups=4)).requires_grad_(weight)
    with Counted() as counted:
        layer(torch.rand(1, 4, 8, 8, requires_grad=image)).sum().backward()
    assert counted.number == number


@pytest.mark.parametrize("size", [(4, 6), (1, 1), (24, 64)])
def test_group_normalisation_has_the_gradients_of_torch_and_keeps_channels_last(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    layer = nn.GroupNorm(4, 16)
    with torch.no_grad():
        layer.weight.uniform_(0.5, 2)
        layer.bias.uniform_(-1, 1)
    assert_alike(layer, torch.randn(2, 16, *size))
    assert layer(torch.rand(2, 16, 8, 8)).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    "build",
    [
        lambda: build_segmenter("lite0", "fpn", (64, 32), 2, 1),
        lambda: build_segmenter("lite0", "unetplusplus", (16, 16, 8, 8, 8), 2, 1),
    ],
)
def test_a_whole_network_has_the_gradients_of_torch(build: Any) -> None:
    inputs = torch.rand(4, 1, 64, 96)
    found: list[Tensor] = []
    for change in (for_processor_training, lambda network: network):
        torch.manual_seed(3)
        network = change(build()).to(memory_format=torch.channels_last)
        network(inputs.contiguous(memory_format=torch.channels_last)).square().mean().backward()
        found.append(torch.cat([weight.grad.flatten() for weight in network.parameters() if weight.grad is not None]))
    assert found[0].shape == found[1].shape
    assert float((found[0] - found[1]).norm() / found[1].norm()) < 1e-3
