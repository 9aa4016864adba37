"""Networks whose operations torch fuses: fewer launches, which is what small batches on a GPU wait for."""

import importlib.util
import shutil
from typing import Any, cast

import torch
from torch import nn

_COMPILERS = ("cc", "gcc", "clang")


def can_compile(device_type: str) -> bool:
    """Whether torch has what it fuses with: Triton on a GPU, and a C compiler anywhere."""
    triton = device_type != "cuda" or importlib.util.find_spec("triton") is not None
    return triton and any(map(shutil.which, _COMPILERS))


def compiled(network: nn.Module, backend: str = "inductor") -> nn.Module:
    """A network over the same weights whose forward and backward pass are fused; what cannot be fused runs as it is.

    It is for batches of one shape, since another one is fused anew: validation and evidence use the network itself.
    """
    dynamo: Any = torch._dynamo
    dynamo.config.suppress_errors = True
    return cast("nn.Module", torch.compile(network, backend=backend, dynamic=False))
