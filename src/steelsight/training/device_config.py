"""What to train on, and whether there can be such a device: told without torch, whose import takes seconds."""

import ctypes
from dataclasses import dataclass
from typing import Literal, get_args

from steelsight.core.arguments import check_choice, check_whole
from steelsight.core.errors import UserError

Device = Literal["auto", "cpu", "cuda"]
NO_GPU = "use `device=cpu`, or install its driver"
_DRIVERS = ("libcuda.so.1", "nvcuda.dll")
_OTHER_DRIVERS = ("libamdhip64.so", "amdhip64.dll")
"""AMD's, which torch calls CUDA as well."""


@dataclass(frozen=True)
class DeviceConfig:
    """What to train on.

    Attributes:
        device: `auto` takes the GPUs where there are any.
        devices: how many GPUs, or cores of a processor; `auto` all of them.
        workers: loader processes of a job; None the default of the device.
        parallel: jobs at once; `auto` one on every device, or on every few that train one together.

    Raises:
        UserError: a value is none of these.
    """

    device: Device = "auto"
    devices: int | Literal["auto"] = "auto"
    workers: int | None = None
    parallel: int | Literal["auto"] = "auto"

    def __post_init__(self) -> None:
        check_choice("device", self.device, get_args(Device))
        if self.devices != "auto":
            check_whole("devices", self.devices, 1, "devices", otherwise="auto")
        if self.workers is not None:
            check_whole("workers", self.workers, 0, "loader processes", otherwise="leave it out")
        if self.parallel != "auto":
            check_whole("parallel", self.parallel, 1, "jobs side by side", otherwise="auto")


def require_device(machine: DeviceConfig) -> None:
    """See that there is a driver for the GPU that is asked for by name, and as many GPUs as are asked for.

    Raises:
        UserError: there is none, or it counts no device, or too few.
    """
    if machine.device == "cpu":
        return
    counted = _counted()
    if machine.device == "cuda" and not (counted or any(map(_library, _OTHER_DRIVERS))):
        raise UserError(f"`device=cuda`: this machine has no CUDA device, or no driver for it; {NO_GPU}")
    if counted:
        check_count(machine, counted)


def check_count(machine: DeviceConfig, counted: int) -> None:
    """See that there are as many GPUs as are asked for.

    Raises:
        UserError: there are fewer.
    """
    if machine.devices != "auto" and machine.devices > counted:
        there = f"{counted} CUDA device{'s' if counted > 1 else ''}"
        raise UserError(f"`devices={machine.devices}`: this machine has {there}; ask for no more")


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
