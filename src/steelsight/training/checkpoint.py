"""What a job needs to go on after a kill, saved whole at the end of each epoch; read with weights_only, never unpickled."""

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from steelsight.errors import UserError
from steelsight.files import write_bytes

Weights = dict[str, Tensor]


@dataclass
class Checkpoint:
    """State at the start of `epoch`.

    Attributes:
        model, optimiser: empty where going on does not need them (the end of the job, the start of a phase).
        kept: the weights that the job would end with now (best epoch, or average so far), None before there are any.
        kept_score: of the best epoch; kept_count: epochs in the average.
        seconds: spent on training so far.
    """

    epoch: int
    model: Weights
    optimiser: dict[str, Any]
    kept: Weights | None = None
    kept_score: float = float("-inf")
    kept_count: int = 0
    seconds: float = 0.0
    versions: dict[str, str] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        # by way of memory: torch reports a full disk in words of its own, a plain write in the system's
        content = io.BytesIO()
        torch.save(vars(self), content)
        write_bytes(path, content.getbuffer())

    @classmethod
    def load(cls, path: Path) -> "Checkpoint":
        """Raises UserError where the file is not a checkpoint."""
        try:
            return cls(**torch.load(path, weights_only=True, map_location="cpu"))
        except Exception as error:  # torch raises many kinds for a damaged file
            raise UserError(
                f"{path}: not a readable checkpoint; delete it, and --resume starts this job anew"
            ) from error


def average_in(kept: Weights | None, weights: Weights, count: int) -> Weights:
    """Running plain mean of weights and statistics: `kept` holds `count` epochs, the result one more. Integers: the last."""
    if kept is None:
        return {name: tensor.detach().cpu().clone() for name, tensor in weights.items()}
    mean: Weights = {}
    for name, tensor in weights.items():
        new = tensor.detach().cpu()
        mean[name] = kept[name] + (new - kept[name]) / (count + 1) if new.is_floating_point() else new.clone()
    return mean
