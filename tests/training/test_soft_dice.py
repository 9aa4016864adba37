"""Running Dice over batches, held against plain sums over pixels."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from steelsight.training.soft_dice import SoftDice


@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_means_over_batches_images_and_pairs(seed: int, batches: int) -> None:
    rng = np.random.default_rng(seed)
    running = SoftDice()
    batch, image, pair = [], [], []
    by_class: dict[int, list[float]] = {0: [], 1: []}

    def dice(p: np.ndarray, t: np.ndarray) -> float:
        return float((2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1))

    for _ in range(batches):
        p = rng.random((int(rng.integers(1, 4)), 2, 3, 4))
        t = (rng.random(p.shape) < 0.1).astype(float)
        running.update(torch.from_numpy(p), torch.from_numpy(t))
        batch.append(dice(p, t))
        for one, truth in zip(p, t, strict=True):
            image.append(dice(one, truth))
            for index in (0, 1):
                pair.append(dice(one[index], truth[index]))
                if truth[index].any():
                    by_class[index].append(pair[-1])
    figures = running.figures(3)
    assert figures["dice_batch"] == pytest.approx(np.mean(batch))
    assert figures["dice_image"] == pytest.approx(np.mean(image))
    assert figures["dice_pair"] == pytest.approx(np.mean(pair))
    expected = [np.mean(by_class[index]) if by_class[index] else None for index in (0, 1)]
    assert figures["dice_per_class"] == [None if one is None else pytest.approx(one) for one in expected] + [None]


def test_a_class_that_collapses_to_nothing_shows_although_the_mean_over_pairs_does_not() -> None:
    running = SoftDice()
    target = torch.zeros(4, 2, 8, 8)
    target[0, 0] = 1
    running.update(torch.zeros(4, 2, 8, 8), target)
    figures = running.figures(2)
    assert figures["dice_pair"] == pytest.approx((7 + 1 / 65) / 8)
    assert figures["dice_per_class"] == [pytest.approx(1 / 65), None]
