"""Where to look: what lies above the lower threshold and makes no mask, of every image that does not pass."""

from math import ceil
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.engines import BrightImage, BrightPixels, Engine
from helpers.odd_answers import Odd
from helpers.suspecting import CLASSES, HALF, POLICY, RULE, SOURCES, engine, flag, judged

from steelsight.cascade.judge import judge
from steelsight.cascade.masks import LEAST, MOST
from steelsight.imaging.rle import decode_runs, format_runs
from steelsight.verdicts.verdict import give_verdict


@pytest.fixture(scope="module")
def said() -> Any:
    return judged(keep_maps=True)


def parts(mask: Any) -> Any:
    """The connected regions of a mask as sets of pixels, grown pixel by pixel from a seed."""
    left, found = mask.copy(), []
    while left.any():
        seed = np.zeros_like(mask)
        seed[np.unravel_index(left.argmax(), left.shape)] = True
        while True:
            grown = cv2.dilate(seed.astype(np.uint8), np.ones((3, 3))).astype(bool) & mask
            if (grown == seed).all():
                break
            seed = grown
        found.append(seed)
        left &= ~seed
    return found


def test_they_are_the_largest_regions_above_the_lower_threshold_of_classes_without_a_mask(said: Any) -> None:
    counts = []
    for one in said:
        if one.verdict.answer == "pass":
            assert (one.suspected, one.suspected_runs) == ((), ())
            continue
        for index, runs in enumerate(one.suspected_runs):
            expected = np.zeros(one.size, bool)
            regions = [region for region in one.suspected if region.class_index == index]
            if not one.runs[index].area:
                large = cv2.morphologyEx(  # the definition below is slow where there are a thousand specks
                    (above := one.maps[index] > RULE.lower[index]).astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2))
                )
                if large.any():
                    every = sorted(parts(above), key=lambda part: -part.sum())
                    enough = [part for part in every if part.sum() >= ceil(RULE.min_area[index] / LEAST)]
                    for part in enough[:MOST]:
                        expected |= part
                    counts.append((len(enough), len(every)))
                    assert sorted(region.area for region in regions) == sorted(part.sum() for part in enough[:MOST])
            np.testing.assert_array_equal(decode_runs(runs, one.size), expected)
    assert any(enough > MOST for enough, _ in counts)
    assert any(0 < enough < every for enough, every in counts)


def test_whatever_does_not_pass_is_segmented_and_the_gate_decides_on_masks_alone(said: Any) -> None:
    running = engine(batch=64)
    list(judge(SOURCES, running, RULE, flags=flag, policy=POLICY))
    seen = [one for one in said if one.p_defect > RULE.gate or one.verdict.answer != "pass"]
    assert sum(running.segmenters[0].seen) == len(seen) == sum(one.is_segmented for one in said) < len(said)
    held_back = [one for one in seen if one.p_defect <= RULE.gate]
    assert any(one.suspected for one in held_back)
    assert any(one.flags and one.p_defect <= 0.2 for one in held_back)  # to review for the flag alone
    assert not any(one.is_defective for one in held_back)
    assert all((one.maps is not None) == one.is_segmented for one in said)


def test_nothing_else_depends_on_them(said: Any) -> None:
    """Masks, regions and numbers are those of an inspector without a policy, the verdict that of what was found."""
    for one, plain in zip(said, judged(policy=None), strict=True):
        assert [format_runs(runs) for runs in one.runs] == [format_runs(runs) for runs in plain.runs]
        assert (one.p_defect, one.regions, one.flags) == (plain.p_defect, plain.regions, plain.flags)
        bare = give_verdict(POLICY, CLASSES, one.p_defect, one.regions, one.size, one.flags)
        assert one.verdict.answer == bare.answer
        assert one.verdict.reason.startswith(bare.reason)
        assert ("suspected: class " in one.verdict.reason) == bool(one.suspected)
        assert plain.is_segmented == (plain.p_defect > RULE.gate)
        if plain.is_segmented and one.verdict.answer != "pass":
            assert plain.suspected == one.suspected
    assert {"pass", "review", "reject"} == {one.verdict.answer for one in said}


def test_an_odd_answer_of_a_segmenter_leaves_the_verdict_of_what_the_gate_held_back() -> None:
    odd = Engine((BrightImage(HALF),), (Odd(BrightPixels(HALF), float("nan"), "lite:3"),), CLASSES)
    rule = RULE.model_copy(update={"gate": 0.4})  # above the brightness from which it is odd
    unseen = 0
    both = (judge(SOURCES, one, rule, policy=POLICY) for one in (odd, engine()))
    for one, other in zip(*both, strict=True):
        assert one.verdict.answer == other.verdict.answer or one.is_unjudged
        assert one.is_unjudged == (one.p_defect > 0.4)
        if one.is_segmented and 0.35 < one.p_defect <= 0.4:
            unseen += 1
            assert one.error is None
            assert one.suspected == ()
            assert one.verdict.reason.endswith("; where to look is not known: in step 2, segmenter lite:3 answered nan")
    assert unseen
