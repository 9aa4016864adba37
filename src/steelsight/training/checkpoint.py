"""What a job needs to go on after a kill, saved whole at the end of each epoch; read with weights_only, never unpickled."""

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from steelsight.core.errors import UserError
from steelsight.core.files import write_bytes

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
            read = cls(**torch.load(path, weights_only=True, map_location="cpu"))
            read._check()
            return read
        except Exception as error:  # torch raises many kinds for a damaged file
            raise UserError(
                f"{path}: not a readable checkpoint; delete it, and `resume=` starts this job anew"
            ) from error

    def _check(self) -> None:
        """What was read must have the types that this program writes."""
        whole = (self.epoch, self.kept_count)
        if not all(type(number) is int and number >= 0 for number in whole):
            raise ValueError("no number of epochs")
        if not all(type(number) in (int, float) for number in (self.kept_score, self.seconds)):
            raise ValueError("no score or time")
        if not (_are_weights(self.model) and (self.kept is None or _are_weights(self.kept))):
            raise ValueError("no weights")
        if not isinstance(self.optimiser, dict) or not isinstance(self.versions, dict):
            raise ValueError("no state of an optimiser")

    def restore_model(self, model: nn.Module, path: Path) -> None:
        """Put the weights into a network, in place.

        Raises:
            UserError: they, or those that the job would end with, are another network's.
        """
        wanted = {name: tensor.shape for name, tensor in model.state_dict().items()}
        for weights in (self.model, self.kept):
            if weights and {name: tensor.shape for name, tensor in weights.items()} != wanted:
                raise _foreign(path)
        if self.model:
            model.load_state_dict(self.model)

    def restore_optimiser(self, optimiser: Any, path: Path) -> None:
        """Put the state into an optimiser, in place.

        Raises:
            UserError: it is another optimiser's.
        """
        try:
            optimiser.load_state_dict(self.optimiser)
        except Exception as error:  # it indexes into what it is given, as deep as that goes
            raise _foreign(path) from error


def _are_weights(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in value.items()
    )


def _foreign(path: Path) -> UserError:
    return UserError(
        f"{path}: it is not of this member as the run's recipe.yaml has it; delete it, and `resume=` starts this job anew"
    )


def average_in(kept: Weights | None, weights: Weights, count: int) -> Weights:
    """Running plain mean of weights and statistics: `kept` holds `count` epochs, the result one more. Integers: the last."""
    if kept is None:
        return {name: tensor.detach().cpu().clone() for name, tensor in weights.items()}
    mean: Weights = {}
    for name, tensor in weights.items():
        new = tensor.detach().cpu()
        mean[name] = kept[name] + (new - kept[name]) / (count + 1) if new.is_floating_point() else new.clone()
    return mean
