"""The figures of an epoch: what they need is gathered on the device, and read once."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from steelsight.metrics.classification import roc_auc
from steelsight.training.soft_dice import SoftDice


class EpochFigures:
    """Loss, and accuracy and ROC AUC or the three Dice figures, over batches."""

    def __init__(self, step: str, classes: int) -> None:
        self._step, self._classes = step, classes
        self._losses: list[Tensor] = []
        self._counts: list[int] = []
        self._said: list[Tensor] = []
        self._dice = SoftDice()

    def update(self, logits: Tensor, target: Tensor, loss: Tensor) -> None:
        """Add a batch; nothing waits for the device."""
        self._losses.append(loss.detach())
        self._counts.append(len(target))
        if self._step == "classify":
            self._said.append(torch.stack([logits, target]))
        else:
            self._dice.update(logits.sigmoid(), target)

    def result(self) -> dict[str, Any]:
        """What was seen so far, by name."""
        losses = torch.stack(self._losses).tolist()
        pairs = zip(losses, self._counts, strict=True)
        result: dict[str, Any] = {"loss": sum(loss * count for loss, count in pairs) / sum(self._counts)}
        if self._step == "classify":
            said, target = torch.cat(self._said, 1).double().cpu().numpy()
            defective = target > 0.5
            # of a network whose numbers overflow nothing can be ranked; its loss tells the training so
            auc = math.nan if np.isnan(said).any() else roc_auc(said, defective)
            result["accuracy"] = float(np.mean((said > 0) == defective))
            return result | {"auc": None if math.isnan(auc) else auc}
        return result | self._dice.figures(self._classes)
