"""What two processors may differ by, and not a level or a pixel more."""

import numpy as np
import pytest
from helpers.compared import RULE, SOURCES, WHERE, compare, engine

from steelsight.cascade.judge import judge
from steelsight.core.errors import UserError
from steelsight.export.parity import check
from steelsight.export.tolerance import DICE, LEVEL, PIXELS
from steelsight.imaging.rle import shared_area
from steelsight.metrics.dice import pair_dice


def test_a_map_may_differ_by_one_level_and_no_more() -> None:
    one, two = (compare(engine(pixel=levels / 255), where=WHERE) for levels in (0.9, 2))
    assert one.parity.map_difference == pytest.approx(LEVEL)
    assert two.parity.map_difference == pytest.approx(2 * LEVEL)
    assert {fault.kind for fault in one.faults} == {"mask"}
    with pytest.raises(UserError, match=r"a map of .*\.jpg differs by 0\.0078, more than the 0\.0039"):
        check(two)


def test_a_mask_that_differs_is_named_with_its_pixels() -> None:
    measured = compare(engine(pixel=0.9 / 255))
    parity = measured.parity
    assert parity.differing_pairs > 3
    assert parity.most_pixels > PIXELS
    assert parity.least_dice < DICE
    assert 0.9 < parity.mean_dice < 1
    worst = max(
        (left.area + right.area - 2 * shared_area(left, right), one.source.image_id, name)
        for one, other in zip(
            judge(SOURCES, engine(), RULE), judge(SOURCES, engine(pixel=0.9 / 255), RULE), strict=True
        )
        for name, left, right in zip(("bright", "dark"), one.runs, other.runs, strict=True)
        if left.area and right.area and pair_dice(*np.array([shared_area(left, right), left.area, right.area])) < DICE
    )
    with pytest.raises(
        UserError,
        match=rf"the masks of class {worst[2]} of {worst[1]} differ by {worst[0]} pixels, at Dice 0\.9\d+, and 3 pixels "
        rf"or Dice 0\.999 are allowed; {len(measured.faults) - 1} more such differences\)",
    ):
        check(measured)
