"""What to train on, and whether there can be such a device: told without torch, whose import takes seconds."""

import ctypes
from dataclasses import dataclass
from typing import Literal

from steelsight.core.errors import UserError

NO_GPU = "use `device=cpu`, or install its driver"
_DRIVERS = ("libcuda.so.1", "nvcuda.dll")
_OTHER_DRIVERS = ("libamdhip64.so", "amdhip64.dll")
"""AMD's, which torch calls CUDA as well."""


@dataclass(frozen=True)
class DeviceConfig:
    """What to train on; `auto` takes the GPUs where there are any, workers None the default of the device; as many jobs
    at once as `parallel` says: with `auto` one on a GPU, on a processor as many as it has cores."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    devices: int | Literal["auto"] = "auto"
    workers: int | None = None
    parallel: int | Literal["auto"] = "auto"


def require_device(machine: DeviceConfig) -> None:
    """See that there is a driver for the GPU that is asked for by name.

    Raises:
        UserError: there is none, or it counts no device.
    """
    if machine.device == "cuda" and not (_counted() or any(map(_library, _OTHER_DRIVERS))):
        raise UserError(f"`device=cuda`: this machine has no CUDA device, or no driver for it; {NO_GPU}")


def _counted() -> int:
    """How many devices NVIDIA's driver counts; 0 without a driver."""
    count = ctypes.c_int(0)
    for driver in map(_library, _DRIVERS):
        if driver is not None and driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0:
            return count.value
    return 0


def _library(name: str) -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None
