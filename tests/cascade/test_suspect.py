"""Where to look: the strongest of what makes no mask, of every image that does not pass."""

from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.by_definition import parts_of, regions_of, runs_of
from helpers.engines import BrightImage, BrightPixels, Engine
from helpers.odd_answers import Odd
from helpers.policies import make_policy
from helpers.scenes import combined_of, pairs, scenes
from helpers.suspecting import CLASSES, HALF, POLICY, RULE, SOURCES, engine, flag, judged
from hypothesis import event, given, settings
from hypothesis import strategies as st

from steelsight.cascade.judge import judge, judge_batch
from steelsight.cascade.masks import cut
from steelsight.cascade.sources import Source
from steelsight.cascade.suspect import LEAST, MOST, OF_IMAGE, UNSEEN, suspect
from steelsight.imaging.preprocess import Preprocess
from steelsight.imaging.rle import format_runs
from steelsight.rule.rule import Rule
from steelsight.verdicts.verdict import give_verdict


@pytest.fixture(scope="module")
def said() -> Any:
    return judged(keep_maps=True)


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
        seen = "; nothing stands out; strongest place: class " if one.is_faint else "; suspected: class "
        assert (seen in one.verdict.reason) == bool(one.suspected)
        assert plain.is_segmented == (plain.p_defect > RULE.gate)
        if plain.is_segmented and one.verdict.answer != "pass":
            assert (plain.suspected, plain.is_faint) == (one.suspected, one.is_faint)
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


def begin_of(part: Any) -> Any:
    """Column and row of the first pixel, down the columns."""
    return min((column, row) for row, column in part)


@settings(max_examples=300, deadline=None)
@given(scenes(), st.sampled_from([0.1, 0.31, 0.9, 1.0]), st.booleans())
def test_it_is_as_defined_to_the_last_pixel(scene: Any, p_defect: float, keep: bool) -> None:
    """Against the definition in words, on the whole map: runs, regions, their order, areas and means."""
    size, rule = scene[3], scene[4]
    combined, whole = combined_of(scene, keep=keep)
    runs, _ = cut(combined, p_defect, rule)
    place = suspect(combined, runs, rule)

    def strength(one: Any) -> Any:
        index, part = one
        return -sum(int(whole[index][pixel]) for pixel in part), index, begin_of(part)

    def peak(one: Any) -> Any:
        return max(int(whole[one[0]][pixel]) for pixel in one[1])

    marked = [index for index, of_class in enumerate(runs) if of_class.area]
    large = [
        (index, part)
        for index in set(range(3)).difference(marked)
        for part in parts_of(whole[index] > rule.lower[index])
        if len(part) >= max(1, min(rule.min_area[index] / LEAST, size[0] * size[1] // OF_IMAGE))
    ]
    greatest = max([0, *(int(whole[index].max()) for index in marked), *map(peak, large)])
    chosen = sorted((one for one in large if peak(one) >= greatest / 2), key=strength)[:MOST]
    is_faint = not chosen and not marked and whole.max() > UNSEEN
    if is_faint:
        index = int(whole.max(axis=(1, 2)).argmax())
        above = (whole[index] > whole.max() / 2) & (whole[index] > UNSEEN)
        around = [(index, part) for part in parts_of(above) if peak((index, part)) == whole.max()]
        chosen = [min(around, key=strength)]
    event("faint" if is_faint else "marked" if marked else "nothing" if not chosen else "stands out")
    expected_runs: list[Any] = []
    expected: list[Any] = []
    for index in range(3):
        mask = np.zeros(size, bool)
        for part in [part for of, part in chosen if of == index]:
            mask[tuple(zip(*part, strict=True))] = True
        expected_runs.append(runs_of(mask))
        expected += [(index, *one) for one in regions_of(mask, whole[index])]
    expected.sort(key=lambda region: -region[5] * region[6])
    assert list(map(pairs, place.runs)) == expected_runs
    assert list(map(astuple, place.regions)) == expected
    assert place.is_faint == is_faint


WAY = Preprocess(height=32, width=96)
DOUBTED = make_policy(0.1, 0.95)
DRAWN = Rule(gate=0.9, upper=(200, 200), lower=(150, 150), min_area=(40, 40))
"""The gate holds every image back."""


@dataclass(frozen=True)
class InDoubt:
    """Says .5 of every image."""

    preprocess: Preprocess = WAY
    name: str = "doubt:0"

    def probabilities(self, inputs: Any) -> Any:
        return np.full(len(inputs), 0.5, np.float32)


@dataclass(frozen=True)
class Brightness:
    """Of one class brightness, times a share, of the other nothing; `asked` counts the images."""

    index: int = 0
    share: float = 1.0
    asked: list[int] = field(default_factory=list)
    preprocess: Preprocess = WAY
    name: str = "bright:0"

    def probabilities(self, inputs: Any) -> Any:
        self.asked.append(len(inputs))
        maps = np.zeros((len(inputs), 2, WAY.height, WAY.width), np.float32)
        maps[:, self.index] = inputs[:, 0] * self.share
        return maps


def looked_at(*rectangles: Any, networks: Any = None, rule: Any = DRAWN, **options: Any) -> Any:
    """An image that is black but for some rectangles: level, top, left, height, width."""
    pixels = np.zeros((WAY.height, WAY.width), np.uint8)
    for level, top, left, height, width in rectangles:
        pixels[top : top + height, left : left + width] = level
    running = Engine((InDoubt(),), networks or (Brightness(),), CLASSES, **options)
    (one,) = judge_batch([(Source("a.png", Path("a.png")), pixels)], running, rule, policy=DOUBTED)
    return one


def boxes(one: Any) -> Any:
    return [(region.class_index, region.left, region.top, region.width, region.height) for region in one.suspected]


def test_where_nothing_stands_out_the_strongest_place_is_shown_and_said() -> None:
    weak, weaker = (90, 4, 20, 6, 12), (60, 20, 60, 8, 8)
    one = looked_at(weak, weaker, networks=(Brightness(1),))
    assert (boxes(one), one.is_faint) == ([(1, 20, 4, 12, 6)], True)
    assert one.verdict.reason == (
        "P(defect) 0.50 lies between 0.10 and 0.95; nothing stands out; strongest place: class dark, 12 x 6 px, "
        "mean probability 0.35"
    )
    assert (one.regions, one.is_defective) == ((), False)


def test_the_strongest_come_first_and_what_is_weaker_by_half_is_left_out() -> None:
    small, large, weak = (250, 2, 2, 8, 8), (160, 12, 2, 16, 30), (60, 2, 60, 20, 30)
    rule = DRAWN.model_copy(update={"lower": (20, 20)})
    one = looked_at(small, large, weak, rule=rule)
    assert (boxes(one), one.is_faint) == ([(0, 2, 12, 30, 16), (0, 2, 2, 8, 8)], False)
    assert one.verdict.reason.endswith("; suspected: class bright, 30 x 16 px, and 1 more")
    assert boxes(looked_at(weak, rule=rule)) == [(0, 60, 2, 30, 20)]
    found = DRAWN.model_copy(update={"gate": 0.1, "lower": (20, 20)})
    both = looked_at(small, networks=(Brightness(0), Brightness(1, 0.3)), combine="votes", rule=found)
    assert (both.suspected, both.is_faint) == ((), False)  # no two networks agree
    marked = looked_at(small, networks=(Both(0.4),), rule=found)
    assert (len(marked.regions), marked.suspected) == (1, ())  # the other class sees it at less than half
    assert boxes(looked_at(small, networks=(Both(0.6),), rule=found)) == [(1, 2, 2, 8, 8)]


@dataclass(frozen=True)
class Both:
    """Of the first class brightness, of the second a share of it."""

    share: float
    preprocess: Preprocess = WAY
    name: str = "both:0"

    def probabilities(self, inputs: Any) -> Any:
        return np.stack([inputs[:, 0], inputs[:, 0] * np.float32(self.share)], axis=1)


def test_no_more_than_a_few_are_listed_the_strongest() -> None:
    several = [(200, 2 + 16 * row, 2 + 16 * column, 4 + row, 4 + column) for row in range(2) for column in range(5)]
    one = looked_at(*several)
    expected = sorted(several, key=lambda of: -of[3] * of[4])[:MOST]
    assert sorted(boxes(one)) == sorted((0, left, top, width, height) for _, top, left, height, width in expected)


@pytest.mark.parametrize("combine", ["mean", "logits", "votes"])
def test_where_the_segmenters_see_nothing_the_reason_says_so(combine: Any) -> None:
    """Log odds have a least level, which is nothing, too; and what two of three do not see, none is asked for the third."""
    networks = [Brightness(), Brightness(), Brightness()]
    black = looked_at(networks=networks, combine=combine)
    assert (black.suspected, black.is_faint, black.is_segmented) == ((), False, True)
    assert black.verdict.reason == (
        "P(defect) 0.50 lies between 0.10 and 0.95; where to look is not known: the segmenters see nothing in it"
    )
    assert [len(network.asked) for network in networks] == [1, 1, 0 if combine == "votes" else 1]
