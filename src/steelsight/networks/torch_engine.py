"""The torch engine: a run's own networks behind the cascade. The reference that an export is held against."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import nn

from steelsight.core.commands import command
from steelsight.core.errors import UserError
from steelsight.imaging.combine import Combine
from steelsight.imaging.preprocess import Preprocess
from steelsight.imaging.roi import Roi
from steelsight.networks.build import probabilities
from steelsight.networks.member import build_member
from steelsight.networks.precision import TrainingPrecision, autocast_for, best_device
from steelsight.recipe import Member, Recipe
from steelsight.run.run import Run
from steelsight.selection.decision import MemberFold


@dataclass(frozen=True, eq=False)
class TorchNetwork:
    """One trained network on a device."""

    preprocess: Preprocess
    model: nn.Module
    device: torch.device
    precision: TrainingPrecision
    name: str = "network"

    def probabilities(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Inputs (n, channels, height, width) -> probabilities, (n,) or (n, classes, height, width)."""
        tensor = torch.from_numpy(inputs).to(self.device).contiguous(memory_format=torch.channels_last)
        with torch.inference_mode(), autocast_for(self.device.type, self.precision):
            said: NDArray[np.float32] = probabilities(self.model, tensor).cpu().numpy()
        return said


@dataclass(frozen=True, eq=False)
class TorchEngine:
    """The chosen networks of a run; see `steelsight.cascade.engine.Engine`."""

    classes: tuple[str, ...]
    classifiers: tuple[TorchNetwork, ...]
    segmenters: tuple[TorchNetwork, ...]
    combine: Combine = "mean"
    batch: int = 8
    workers: int = 1  # torch spreads one batch over all cores
    roi: Roi | None = None


def load_engine(
    run: Run,
    recipe: Recipe,
    classes: Sequence[str],
    classifiers: Iterable[MemberFold],
    segmenters: Iterable[MemberFold],
    *,
    device: torch.device | str | None = None,
    precision: TrainingPrecision = "fp32",
) -> TorchEngine:
    """Load the networks of some jobs of a run; in fp32, as the evidence was made, unless told otherwise.

    Args:
        classes: defect class names of the run.
        classifiers, segmenters: jobs of each step.
        device: the GPU where there is one, unless given (`cpu`, or a torch device).

    Raises:
        UserError: a job's weights are missing, damaged, or not those of its member.
    """
    place = best_device() if device is None else torch.device(device)

    def load(jobs: Iterable[MemberFold]) -> tuple[TorchNetwork, ...]:
        return tuple(
            _load_network(run, _member(recipe, name, run), fold, len(classes), place, precision) for name, fold in jobs
        )

    return TorchEngine(
        tuple(classes), load(classifiers), load(segmenters), recipe.selection.combine, roi=run.record.roi
    )


def _member(recipe: Recipe, name: str, run: Run) -> Member:
    try:
        return recipe.member(name)
    except KeyError:
        raise UserError(
            f"{run.recipe_file}: it has no member {name!r}, which {run.decision_file} chose; run `steelsight decide "
            f"{run}` again"
        ) from None


def _load_network(
    run: Run, member: Member, fold: int, classes: int, device: torch.device, precision: TrainingPrecision
) -> TorchNetwork:
    path = run.job(member.name, fold).weights
    if not path.is_file():
        raise UserError(
            f"{path}: not there, so job {member.name}:{fold} is not done; finish it with "
            f"`{command('train', 'DATA', out=run.path, resume=True)}`"
        )
    model = build_member(member, classes)
    try:
        model.load_state_dict(load_file(path))
    except Exception as error:  # see `steelsight.networks.weights`
        raise UserError(
            f"{path}: not the weights of member {member.name} in {run.recipe_file}; delete the job's folder and train "
            "it again with `resume=`"
        ) from error
    model.to(device).to(memory_format=torch.channels_last)
    model.eval()
    return TorchNetwork(member.preprocess, model, device, precision, f"{member.name}:{fold}")
