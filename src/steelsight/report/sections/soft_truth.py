"""The published rule at the working size on soft truth: the figure that the reference solution showed of its first fold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelsight.rule.plain_rule import GATE


@dataclass(frozen=True)
class SoftTruthRow:
    """One gate."""

    name: str
    gate: float
    dice: float
    per_class: tuple[float, ...]


@dataclass(frozen=True)
class SoftTruthView:
    """What the template reads."""

    rows: tuple[SoftTruthRow, ...]
    width: int
    height: int


def soft_truth_view(
    dice: NDArray[np.float64], p_defect: NDArray[np.float64], gate: float, size: tuple[int, int]
) -> SoftTruthView:
    """Mean over every pair of image and class, at the published gate and at that of the reference's demonstration.

    Args:
        dice: float64 (N, K, 2), see `steelsight.selection.soft_truth.soft_truth_dice`.
        p_defect: float64 (N,), nested.
        gate: of the published rule, to be exceeded.
        size: working size, height and width.
    """
    gates: Sequence[tuple[str, float]] = (("published", gate), ("the same at the demonstration’s gate", GATE))
    return SoftTruthView(tuple(_row(name, one, dice, p_defect) for name, one in gates), size[1], size[0])


def _row(name: str, gate: float, dice: NDArray[np.float64], p_defect: NDArray[np.float64]) -> SoftTruthRow:
    judged = np.where((p_defect > gate)[:, None], dice[:, :, 0], dice[:, :, 1])
    return SoftTruthRow(name, gate, float(judged.mean()), tuple(judged.mean(axis=0).tolist()))
