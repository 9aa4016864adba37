"""Gain is Dice above that of marking nothing, on the same images."""

import pytest
from helpers.counted import GROUPS, PERFECT

from steelsight.report.sections.masks import judge


def test_gain_is_dice_above_the_floor_on_the_same_images() -> None:
    judged = judge("nested", PERFECT, GROUPS)
    assert judged.figures.dice == 1
    assert judged.gain == pytest.approx(0.5)
    assert judged.false_alarms == (0, 0)
    assert judged.dice == (1, 1)
    assert judged.gain_interval.low < 0.5 < judged.gain_interval.high
