"""Lightning Fabric for the device that is asked for."""

import logging
from typing import Literal

import torch
from lightning.fabric import Fabric
from lightning.fabric.plugins.environments.lightning import LightningEnvironment

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


def make_fabric(kind: Literal["cpu", "cuda"], recipe: Recipe, ranks: int = 1) -> Fabric:
    """Lightning Fabric for this process, in the precision that the recipe asks for.

    Args:
        kind: of the device; the first one that the process sees, or that of its rank.
        ranks: processes that train a job together, all of them started already (`training/worker_processes.py`).
    """
    if kind == "cpu":
        keep_freed_memory()
    else:
        torch.backends.cudnn.benchmark = True  # shapes stay the same over an epoch
    bf16 = recipe.precision == "bf16" or (recipe.precision == "auto" and gains_from_bf16(kind))
    for name in ("lightning.fabric", "lightning.pytorch"):  # it announces itself at each start, under either name
        logging.getLogger(name).setLevel(logging.WARNING)
    fabric = Fabric(
        accelerator=kind,
        devices=ranks,
        strategy="ddp" if ranks > 1 else "auto",
        plugins=LightningEnvironment() if ranks > 1 else None,  # whatever else a cluster's own variables say
        precision="bf16-mixed" if bf16 else "32-true",
    )
    fabric.launch()
    return fabric
