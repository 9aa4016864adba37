"""The three Dice figures that are followed each epoch: unthresholded, at the working size."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from steelsight.training.losses import without_ignored


@dataclass
class SoftDice:
    """Running soft Dice over batches: over the batch, per image (classes pooled), per image and class.

    Each is (2 sum pt + 1) / (sum p + sum t + 1), as in training. `per_class` is over the pairs that have a defect: it
    shows a class that collapses to empty masks, which a mean over pairs hides.
    """

    batch: list[float] = field(default_factory=list)
    image: list[float] = field(default_factory=list)
    pair: list[float] = field(default_factory=list)
    by_class: dict[int, list[float]] = field(default_factory=dict)

    def update(self, probability: Tensor, target: Tensor) -> None:
        """Add a batch of float (images, classes, height, width) probabilities and targets; below 0 nothing counts."""
        probability, target = without_ignored(probability, target)
        overlap = (probability * target).sum((2, 3)).double().cpu()
        total = (probability.sum((2, 3)) + target.sum((2, 3))).double().cpu()
        present = (target.amax((2, 3)) >= 0.5).cpu()
        pair = (2 * overlap + 1) / (total + 1)
        self.batch.append(float((2 * overlap.sum() + 1) / (total.sum() + 1)))
        self.image.extend(((2 * overlap.sum(1) + 1) / (total.sum(1) + 1)).tolist())
        self.pair.extend(pair.flatten().tolist())
        for image, index in torch.nonzero(present).tolist():
            self.by_class.setdefault(index, []).append(float(pair[image, index]))

    def figures(self, classes: int) -> dict[str, float | list[float | None]]:
        """Means as `dice_batch`, `dice_image`, `dice_pair`, `dice_per_class` (None where a class did not occur)."""
        per_class = [_mean(self.by_class[index]) if index in self.by_class else None for index in range(classes)]
        return {
            "dice_batch": _mean(self.batch),
            "dice_image": _mean(self.image),
            "dice_pair": _mean(self.pair),
            "dice_per_class": per_class,
        }


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0
