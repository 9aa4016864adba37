"""Lightning Fabric for the device that is asked for."""

import logging
from typing import Literal

import torch
from lightning.fabric import Fabric

from steelsight.core.errors import UserError
from steelsight.networks.precision import gains_from_bf16
from steelsight.recipe import Recipe
from steelsight.training.allocator import keep_freed_memory
from steelsight.training.device_config import NO_GPU, DeviceConfig


def accelerator(machine: DeviceConfig) -> Literal["cpu", "cuda"]:
    """The kind of device; a GPU where there is one and nothing else was said."""
    if machine.device == "cpu":
        return "cpu"
    if torch.cuda.is_available():
        return "cuda"
    if machine.device == "cuda":
        raise UserError(f"`device=cuda`: torch sees no CUDA device here; {NO_GPU}")
    return "cpu"


def make_fabric(machine: DeviceConfig, recipe: Recipe) -> Fabric:
    """Lightning Fabric for the devices, in the precision that the recipe asks for."""
    kind = accelerator(machine)
    if kind == "cpu":
        keep_freed_memory()
    devices = machine.devices
    if devices == "auto":
        devices = torch.cuda.device_count() if kind == "cuda" else 1
    bf16 = recipe.precision == "bf16" or (recipe.precision == "auto" and gains_from_bf16(kind))
    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)  # it announces itself at each start
    fabric = Fabric(
        accelerator=kind,
        devices=devices,
        strategy="ddp" if devices > 1 else "auto",
        precision="bf16-mixed" if bf16 else "32-true",
    )
    fabric.launch()
    return fabric
