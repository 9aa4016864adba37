"""A fused network learns what it learned before, with the same weights, and what cannot be fused runs as it is."""

import copy
from typing import Any

import pytest
import torch
from torch import nn

from steelsight.networks import compiled as module
from steelsight.networks.compiled import can_compile, compiled


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.SiLU(), nn.Flatten(), nn.Linear(4 * 36, 1))


def refused(*_: Any) -> Any:
    raise RuntimeError("no compiler")


@pytest.mark.parametrize("backend", ["eager", "aot_eager", refused])
def test_it_learns_the_same_in_the_same_weights(backend: Any) -> None:
    plain, inputs = network(), torch.rand(2, 1, 8, 8)
    trained = copy.deepcopy(plain)
    plain(inputs).sum().backward()
    compiled(trained, backend)(inputs).sum().backward()
    assert trained.state_dict().keys() == plain.state_dict().keys()
    for weight, same in zip(trained.parameters(), plain.parameters(), strict=True):
        assert weight.grad is not None
        assert same.grad is not None
        assert torch.allclose(weight.grad, same.grad, atol=1e-6)


def test_without_a_compiler_nothing_is_fused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_COMPILERS", ("no-such-compiler",))
    assert not can_compile("cpu")
