"""The three Dice figures that are followed each epoch: unthresholded, at the working size."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from steelsight.training.losses import without_ignored


@dataclass
class SoftDice:
    """Soft Dice over batches: over the batch, per image (classes pooled), per image and class.

    Each is (2 sum pt + 1) / (sum p + sum t + 1), as in training. `per_class` is over the pairs that have a defect: it
    shows a class that collapses to empty masks, which a mean over pairs hides. Sums stay on the device until figures are
    asked for: nobody waits for it within an epoch.
    """

    _sums: list[Tensor] = field(default_factory=list, repr=False)

    def update(self, probability: Tensor, target: Tensor) -> None:
        """Add a batch of float (images, classes, height, width) probabilities and targets; below 0 nothing counts."""
        probability, target = without_ignored(probability, target)
        overlap = (probability * target).sum((2, 3)).double()
        total = (probability.sum((2, 3)) + target.sum((2, 3))).double()
        present = (target.amax((2, 3)) >= 0.5).double()
        self._sums.append(torch.stack([overlap, total, present]))

    def figures(self, classes: int) -> dict[str, float | list[float | None]]:
        """Means as `dice_batch`, `dice_image`, `dice_pair`, `dice_per_class` (None where a class did not occur)."""
        if not self._sums:
            return {"dice_batch": 0.0, "dice_image": 0.0, "dice_pair": 0.0, "dice_per_class": [None] * classes}
        sizes = [sums.shape[1] for sums in self._sums]
        together = torch.cat(self._sums, 1).cpu()
        overlap, total, present = together
        pair, image = _dice(overlap, total), _dice(overlap.sum(1), total.sum(1))
        batch = [_dice(sums[0].sum(), sums[1].sum()) for sums in torch.split(together, sizes, 1)]
        seen = present.bool()
        per_class = [
            float(pair[seen[:, index], index].mean()) if index < pair.shape[1] and seen[:, index].any() else None
            for index in range(classes)
        ]
        return {
            "dice_batch": float(torch.stack(batch).mean()),
            "dice_image": float(image.mean()),
            "dice_pair": float(pair.mean()),
            "dice_per_class": per_class,
        }


def _dice(overlap: Tensor, total: Tensor) -> Tensor:
    return (2 * overlap + 1) / (total + 1)
