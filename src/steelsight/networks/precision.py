"""In which precision a network computes on the device at hand."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Literal

import torch

TrainingPrecision = Literal["auto", "fp32", "bf16"]


def best_device() -> torch.device:
    """The first GPU where there is one, else the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def gains_from_bf16(device_type: str) -> bool:
    """Whether `cpu` or `cuda` multiplies bf16 matrices faster than fp32 ones: AMX or AVX512-BF16, or a GPU's bf16 units."""
    match device_type:
        case "cpu":
            return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())
        case "cuda":
            return bool(torch.cuda.is_bf16_supported(including_emulation=False))
        case _:
            return False


def autocast_for(device_type: str, precision: TrainingPrecision = "auto") -> AbstractContextManager[Any]:
    """The region in which a forward pass runs: bf16 autocast where asked, or with `auto` where the device gains."""
    if precision == "fp32":
        return true_fp32() if device_type == "cuda" else nullcontext()
    if precision == "auto" and not gains_from_bf16(device_type):
        return nullcontext()
    return torch.autocast(device_type, torch.bfloat16)


@contextmanager
def true_fp32() -> Iterator[None]:
    """Multiply in fp32 where fp32 is asked for: torch lets convolutions on a GPU round to the 10 bits of TF32."""
    former = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = False, False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = former
