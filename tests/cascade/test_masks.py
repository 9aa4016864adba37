"""Where to look: what lies above the lower threshold and makes no mask, of every image that does not pass."""

from dataclasses import astuple, dataclass
from math import ceil
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.by_definition import box_of, parts_of, regions_of, runs_of
from helpers.engines import BrightImage, BrightPixels, Engine
from helpers.odd_answers import Odd
from helpers.suspecting import CLASSES, HALF, POLICY, RULE, SOURCES, engine, flag, judged
from hypothesis import given, settings
from hypothesis import strategies as st

from steelsight.cascade.judge import judge
from steelsight.cascade.masks import LEAST, MOST, OF_IMAGE, CombinedMaps, cut, suspect
from steelsight.imaging.combine import combine_maps
from steelsight.imaging.preprocess import Preprocess
from steelsight.imaging.rle import decode_runs, format_runs
from steelsight.rule.rule import Rule
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
                    least = min(ceil(RULE.min_area[index] / LEAST), above.size // OF_IMAGE)
                    enough = [part for part in every if part.sum() >= least]
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


@dataclass(frozen=True)
class Named:
    """As much of a network as cutting masks asks for."""

    preprocess: Preprocess
    name: str = "drawn:0"

    def probabilities(self, inputs: Any) -> Any:
        raise AssertionError("no network is asked")


@st.composite
def scenes(draw: st.DrawFn) -> Any:
    """Maps of one to three networks, a rule, and what of the image counts: blobs, specks and nothing, at any place."""
    random = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    size = draw(st.sampled_from([(1, 70), (9, 1), (37, 210), (64, 96), (40, 300)]))
    way = draw(st.sampled_from([Preprocess(height=32, width=96), Preprocess(height=64, width=64, fit="pad")]))
    other = draw(st.sampled_from([way, Preprocess(height=32, width=64)]))
    ways = draw(st.sampled_from([[way], [way, other], [way, way, other]]))
    fineness, top = draw(st.sampled_from([0.4, 1.5, 6.0])), draw(st.integers(1, 255))
    maps = [_drawn(random, way, fineness, top) for way in ways]
    upper = tuple(draw(st.integers(0, 255)) for _ in range(3))
    rule = Rule(
        gate=0.3,
        softness=draw(st.sampled_from([1.0, 2.5])),
        upper=upper,
        lower=tuple(draw(st.integers(0, level)) for level in upper),
        min_area=tuple(draw(st.integers(1, 60)) for _ in upper),
        at="working" if len(set(ways)) == 1 and draw(st.booleans()) else "image",
    )
    counted = random.random(size) < 0.8 if draw(st.booleans()) else None
    return maps, ways, draw(st.sampled_from(["mean", "logits", "votes"])), size, rule, counted


def pairs(runs: Any) -> Any:
    return list(zip(runs.starts.tolist(), runs.lengths.tolist(), strict=True))


def _drawn(random: Any, way: Preprocess, fineness: float, top: int) -> Any:
    blurred = cv2.GaussianBlur(random.random((way.height, way.width, 3)).astype(np.float32), (0, 0), fineness)
    spread = (blurred - blurred.min()) / (blurred.max() - blurred.min())
    return (top * spread**3).transpose(2, 0, 1).astype(np.uint8)


@settings(max_examples=150, deadline=None)
@given(scenes(), st.sampled_from([0.1, 0.31, 0.9, 1.0]), st.booleans())
def test_masks_and_what_is_suspected_are_as_defined_to_the_last_pixel(scene: Any, p_defect: float, keep: bool) -> None:
    """Against the rule in words, pixel by pixel on the whole map: runs, regions, their order, areas and means."""
    maps, ways, combine, size, rule, counted = scene
    engine = Engine((), tuple(map(Named, ways)), ("a", "b", "c"), combine=combine)
    combined = CombinedMaps(np.zeros(size, np.uint8), maps, engine, rule.at, counted=counted, keep=keep)
    runs, regions = cut(combined, p_defect, rule)
    suspected_runs, suspected = suspect(combined, runs, rule)

    whole = combine_maps(maps, ways, size, combine, rule.at) * (True if counted is None else counted)
    expected: dict[str, Any] = {"runs": [], "regions": [], "suspected_runs": [], "suspected": []}
    for index, map_ in enumerate(whole):
        enough = rule.min_area[index] * (1 + (rule.softness - 1) * (1 - p_defect))
        is_kept = p_defect > rule.gate and (map_ > rule.upper[index]).sum() >= enough - 1e-9
        above = map_ > rule.lower[index]
        parts = [] if is_kept else sorted(parts_of(above), key=lambda part: (-len(part), box_of(part)[:2]))
        large = np.zeros(size, bool)
        least = max(1, min(rule.min_area[index] / LEAST, size[0] * size[1] // OF_IMAGE))
        for part in [one for one in parts if len(one) >= least][:MOST]:
            large[tuple(zip(*part, strict=True))] = True
        for what, mask in (("", above & is_kept), ("suspected_", large)):
            expected[f"{what}runs"].append(runs_of(mask))
            of_class = expected["suspected" if what else "regions"]
            of_class += [(index, *one) for one in regions_of(mask, map_)]
    assert list(map(pairs, runs)) == expected["runs"]
    assert list(map(astuple, regions)) == expected["regions"]
    assert list(map(pairs, suspected_runs)) == expected["suspected_runs"]
    assert list(map(astuple, suspected)) == expected["suspected"]
    if keep:
        assert np.array_equal(combined.kept, whole)
