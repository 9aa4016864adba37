"""The losses: binary cross-entropy, focal loss and soft Dice, weighted as the recipe says."""

import torch
from torch import Tensor
from torch.nn import functional as F

from steelsight.recipe.model import Loss

Output = Tensor | tuple[Tensor, Tensor]
"""Of a network in training: logits, or with head `cells` (logits of the images, logits of their cells)."""


def weighted_loss(loss: Loss, output: Output, target: Output) -> Tensor:
    """Sum of the recipe's terms.

    Args:
        output: logits, float (images,) in step classify, (images, classes, height, width) in step segment; or those of the
            images and of their cells (images, classes, rows, columns).
        target: same shapes, in [0, 1]; masks are soft at their edges. Below 0 nothing is learned: no term counts it, and
            means are over what counts.

    Returns:
        Scalar float32.
    """
    logits, truth = images_of(output).float(), images_of(target)
    total = logits.new_zeros(())
    if loss.cross_entropy:
        total = total + loss.cross_entropy * smoothed_cross_entropy(logits, truth, loss.label_smoothing)
    if loss.focal:
        total = total + loss.focal * focal_loss(logits, truth, loss.focal_alpha, loss.focal_gamma)
    if loss.dice:
        total = total + loss.dice * dice_loss(logits.sigmoid(), truth, loss.dice_over, loss.dice_smooth)
    if loss.cells and not isinstance(output, Tensor):
        total = total + loss.cells * cell_loss(output[1].float(), target[1])
    return total


def images_of(output: Output) -> Tensor:
    """The part of a network's output, or of its target, that speaks of whole images or of pixels: not of cells."""
    return output if isinstance(output, Tensor) else output[0]


def cell_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy + 1 - Dice of each class over the batch, both (images, classes, rows, columns)."""
    return smoothed_cross_entropy(logits, target) + dice_loss(logits.sigmoid(), target, "class", smooth=1.0)


def smoothed_cross_entropy(logits: Tensor, target: Tensor, smoothing: float = 0.0) -> Tensor:
    """Mean binary cross-entropy against t (1 - s) + s / 2 (Szegedy et al. 2016).

    >>> import torch
    >>> round(float(smoothed_cross_entropy(torch.zeros(2), torch.tensor([0.0, 1.0]), 0.05)), 4)
    0.6931
    """
    return _mean(
        F.binary_cross_entropy_with_logits(logits, target * (1 - smoothing) + smoothing / 2, reduction="none"), target
    )


def focal_loss(logits: Tensor, target: Tensor, alpha: float, gamma: float) -> Tensor:
    """Mean binary focal loss (Lin et al. 2017). A soft target t counts as t of a defect and 1 - t of none:
    -t alpha (1 - p)^gamma log p - (1 - t) (1 - alpha) p^gamma log(1 - p)."""
    if 0 < gamma < 1:  # the slope of such a power is infinite at 0, which float32 reaches; logits are not
        unlike_defect, unlike_none = (gamma * F.logsigmoid(-logits)).exp(), (gamma * F.logsigmoid(logits)).exp()
    else:
        probability = logits.sigmoid()
        unlike_defect, unlike_none = (1 - probability).pow(gamma), probability.pow(gamma)
    defect = alpha * unlike_defect * F.logsigmoid(logits)
    none = (1 - alpha) * unlike_none * F.logsigmoid(-logits)
    return _mean(-(target * defect + (1 - target) * none), target)


def dice_loss(probability: Tensor, target: Tensor, over: str, smooth: float) -> Tensor:
    """1 - soft Dice, (2 sum pt + smooth) / (sum p + sum t + smooth), Milletari et al. 2016.

    `over` says what one Dice pools: `batch` everything, `class` each class over the batch (then the mean), `pair` each
    (image, class) whose target is not empty (then the mean; a batch without any has loss 0). Empty pairs have no overlap
    to maximise: pooled per pair they only push every probability to zero, which the cross-entropy does already.

    Args:
        probability, target: (images, classes, height, width); what is below 0 in the target takes part in no sum.
    """
    probability, target = without_ignored(probability, target)
    axes = {"batch": (0, 1, 2, 3), "class": (0, 2, 3), "pair": (2, 3)}[over]
    overlap = (probability * target).sum(axes)
    dice = (2 * overlap + smooth) / (probability.sum(axes) + target.sum(axes) + smooth)
    if over != "pair":
        return 1 - dice.mean()
    present = (target.sum(axes) > 0).to(dice.dtype)
    return ((1 - dice) * present).sum() / present.sum().clamp(min=1)


def without_ignored(probability: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Both with 0 where the target says that nothing counts, so that sums pass over it; the very tensors where all counts.

    >>> import torch
    >>> _, target = without_ignored(torch.tensor([0.5, 0.5]), torch.tensor([1.0, -1.0]))
    >>> target.abs().tolist()
    [1.0, 0.0]
    """
    counts = _counts(target)
    return (probability, target) if counts is None else (probability * counts, target * counts)


def _mean(values: Tensor, target: Tensor) -> Tensor:
    """Over what counts; 0 where nothing does."""
    counts = _counts(target)
    if counts is None:
        return values.mean()
    return torch.where(counts, values, 0.0).sum() / counts.sum().clamp(min=1)


def _counts(target: Tensor) -> Tensor | None:
    """What counts, None where all does. Only a target in main memory is looked at: nobody waits for a GPU to answer."""
    counts = target >= 0
    return None if _in_main_memory(target) and bool(counts.all()) else counts


def _in_main_memory(tensor: Tensor) -> bool:
    return tensor.device.type == "cpu"
