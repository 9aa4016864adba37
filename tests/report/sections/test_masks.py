"""Gain is Dice above that of marking nothing, on the same images."""

import math

import numpy as np
import pytest
from helpers.counted import GROUPS, PERFECT, counts

from steelsight.report.sections.masks import judge


def test_gain_is_dice_above_the_floor_on_the_same_images() -> None:
    judged = judge("nested", PERFECT, GROUPS)
    assert judged.figures.dice == 1
    assert judged.gain == pytest.approx(0.5)
    assert judged.gain_interval.low < 0.5 < judged.gain_interval.high


def test_what_holds_of_all_images_or_none_has_the_exact_interval_of_its_groups() -> None:
    """Two images have a defect, two have none; draws of them would all say the same."""
    judged = judge("nested", PERFECT, GROUPS)
    assert judged.dice == pytest.approx((0.025 ** (1 / 4), 1))
    assert judged.defective == pytest.approx((0.025 ** (1 / 2), 1))
    assert judged.false_alarms == pytest.approx((0, 1 - 0.025 ** (1 / 2)))


def test_pairs_with_a_defect_on_one_surface_have_no_interval() -> None:
    judged = judge("nested", counts([[4], [2], [0], [0]], [[5], [7], [0], [3]], [[5], [7], [0], [0]]), GROUPS // 2)
    assert 0 < judged.figures.defective_dice < 1
    assert all(math.isnan(end) for end in (*judged.defective, *judged.false_alarms))
    assert judged.dice.low < judged.figures.dice < judged.dice.high
    apart = judge("nested", counts([[4], [2], [0], [0]], [[5], [7], [0], [3]], [[5], [7], [0], [0]]), np.arange(4))
    assert apart.defective.low < apart.figures.defective_dice < apart.defective.high
