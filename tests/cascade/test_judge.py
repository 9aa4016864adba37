from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.data import SAMPLE
from helpers.engines import BrightImage, BrightPixels, Engine
from helpers.policies import make_policy

from steelsight.cascade.judge import judge
from steelsight.cascade.sources import Source, find_sources
from steelsight.imaging.combine import combine_maps, to_8bit
from steelsight.imaging.preprocess import Preprocess
from steelsight.imaging.read import read_image
from steelsight.imaging.rle import decode_runs, format_runs
from steelsight.imaging.roi import Mask, Polygons, Roi
from steelsight.rule.rule import Rule, masks
from steelsight.verdicts.verdict import UNREADABLE, give_verdict, say_suspected

HALF = Preprocess(height=128, width=800)
PADDED = Preprocess(height=64, width=64, fit="pad", colour="grey")
RULE = Rule(gate=0.2, upper=(150, 230), lower=(120, 200), min_area=(800, 400))


def sources(count: int = 10) -> Any:
    return find_sources([str(SAMPLE / "train_images")])[:count]


def engine(batch: int = 4, workers: int = 1) -> Any:
    return Engine(
        (BrightImage(HALF), BrightImage(PADDED)),
        (BrightPixels(HALF), BrightPixels(PADDED)),
        batch=batch,
        workers=workers,
    )


def by_definition(image: Any, rule: Any = RULE) -> Any:
    """P(defect), maps and masks of one image from the ground's definitions alone."""
    p = np.mean([float(preprocess.to_input(image)[None].mean(axis=(1, 2, 3))[0]) for preprocess in (HALF, PADDED)])
    maps = [to_8bit(BrightPixels(one).probabilities(one.to_input(image)[None])[0]) for one in (HALF, PADDED)]
    combined = combine_maps(maps, [HALF, PADDED], image.shape[:2])
    return p, combined, masks(rule, p, combined)


def test_results_are_those_of_the_definitions_image_by_image() -> None:
    judged = list(judge(sources(), engine(), RULE, keep_maps=True))
    assert [one.source for one in judged] == list(sources())
    passed = 0
    for one in judged:
        p, maps, expected = by_definition(read_image(one.source.path))
        assert one.p_defect == pytest.approx(p, abs=1e-6)
        found = np.stack([decode_runs(runs, one.size) for runs in one.runs])
        np.testing.assert_array_equal(found, expected)
        if p > RULE.gate:
            passed += 1
            np.testing.assert_array_equal(one.maps, maps)
        else:
            assert one.maps is None
    assert 0 < passed < len(judged)
    assert any(one.is_defective for one in judged)


def test_a_prediction_says_of_which_bytes_it_is_where_there_were_any(tmp_path: Path) -> None:
    (tmp_path / "damaged.jpg").write_bytes(b"nothing")
    given = [*sources(2), *(Source(name, tmp_path / name) for name in ("damaged.jpg", "gone.jpg"))]
    judged = list(judge(given, engine(), RULE))
    assert [one.sha256 for one in judged[:3]] == [sha256(one.path.read_bytes()).hexdigest() for one in given[:3]]
    assert judged[3].sha256 is None
    given_bytes = sources(1)[0].path.read_bytes()
    (one,) = judge([Source("gone.jpg", tmp_path / "gone.jpg")], engine(), RULE, read=lambda source: given_bytes)
    assert one.sha256 == judged[0].sha256
    assert one.p_defect == judged[0].p_defect


def test_a_rule_that_cuts_at_the_working_size_cuts_there_and_enlarges() -> None:
    """As published: thresholds and area at 128 x 800, the mask of 256 x 1600 in blocks of four pixels."""
    rule = RULE.model_copy(update={"gate": 0.0, "at": "working"})
    small = rule.model_copy(update={"min_area": tuple(area // 4 for area in rule.min_area)})
    one_size = Engine((BrightImage(HALF),), (BrightPixels(HALF),))
    found = 0
    for keep_maps in (False, True):
        for one in judge(sources(), one_size, rule, keep_maps=keep_maps):
            said = to_8bit(BrightPixels(HALF).probabilities(HALF.to_input(read_image(one.source.path))[None])[0])
            assert np.array_equal(one.masks, masks(small, 1.0, said).repeat(2, axis=1).repeat(2, axis=2))
            assert one.maps is None or np.array_equal(one.maps, said.repeat(2, axis=1).repeat(2, axis=2))
            found += one.is_defective
    assert found


def test_a_soft_gate_segments_what_its_gate_lets_through_and_cuts_by_the_definition() -> None:
    soft = RULE.model_copy(update={"gate": 0.0, "softness": 5.0})
    running = engine()
    judged = list(judge(sources(), running, soft))
    assert sum(running.segmenters[0].seen) == len(judged)  # a hard gate of .2 held some back
    changed = 0
    for one in judged:
        p, maps, expected = by_definition(read_image(one.source.path), soft)
        found = np.stack([decode_runs(runs, one.size) for runs in one.runs])
        np.testing.assert_array_equal(found, expected)
        changed += bool((masks(RULE.model_copy(update={"gate": 0.0}), p, maps) != expected).any())
    assert 0 < changed < len(judged)
    assert any(one.is_defective for one in judged)


def test_masks_are_the_same_whether_maps_are_kept_or_only_brought_back_where_needed() -> None:
    kept, lean = (list(judge(sources(30), engine(), RULE, keep_maps=keep)) for keep in (True, False))
    for one, other in zip(kept, lean, strict=True):
        assert [format_runs(runs) for runs in one.runs] == [format_runs(runs) for runs in other.runs]
        assert one.regions == other.regions
    assert any(one.is_defective for one in kept)


def test_regions_are_those_of_the_masks() -> None:
    for one in judge(sources(), engine(), RULE):
        for index, runs in enumerate(one.runs):
            regions = [region for region in one.regions if region.class_index == index]
            assert sum(region.area for region in regions) == runs.area
            assert all(RULE.lower[index] / 255 < region.probability <= 1 for region in regions)


def test_what_is_unusual_is_named_and_judged_all_the_same() -> None:
    judged = list(judge(sources(3), engine(), RULE, flags=lambda image: ("size",) if image[0, 0] > 0 else ()))
    assert [one.flags for one in judged] == [("size",) if one.image[0, 0] > 0 else () for one in judged]
    assert all(0 < one.p_defect < 1 for one in judged)


def bright_corner(image: Any) -> Any:
    return ("size",) if image[0, 0] > 1 else ()


def test_a_policy_gives_each_image_its_verdict_and_changes_nothing_else(tmp_path: Path) -> None:
    policy = make_policy(0.18, 0.25, [{"verdict": "review", "class": "dark"}])
    (tmp_path / "text.jpg").write_text("no image")
    given = [*sources(), Source("text.jpg", tmp_path / "text.jpg")]
    plain, said = (list(judge(given, engine(), RULE, flags=bright_corner, policy=one)) for one in (None, policy))
    for one, other in zip(plain, said, strict=True):
        assert one.verdict is None
        assert [format_runs(runs) for runs in one.runs] == [format_runs(runs) for runs in other.runs]
        if other.size is None:
            assert other.verdict == UNREADABLE
            continue
        classes = ("bright", "dark")
        bare = give_verdict(policy, classes, other.p_defect, other.regions, other.size, other.flags)
        assert other.verdict.answer == bare.answer
        assert other.verdict == say_suspected(
            bare, policy, classes, other.suspected, other.size, is_faint=other.is_faint
        )
    unflagged = judge(given, engine(), RULE, policy=policy)
    pairs = {(one.verdict.answer, other.verdict.answer) for one, other in zip(said, unflagged, strict=True)}
    assert pairs >= {("pass", "pass"), ("reject", "reject"), ("review", "reject")}  # the last for its flag


def test_without_a_policy_only_images_that_pass_the_gate_are_segmented() -> None:
    running = engine()
    judged = list(judge(sources(), running, RULE))
    passed = sum(one.p_defect > RULE.gate for one in judged)
    assert sum(running.segmenters[0].seen) == passed < len(judged)
    assert all(one.maps is None for one in judged)


@pytest.mark.parametrize(("batch", "workers"), [(1, 1), (3, 1), (64, 1), (1, 3), (2, 4)])
def test_batches_and_workers_change_nothing(batch: int, workers: int) -> None:
    one, other = (list(judge(sources(), running, RULE)) for running in (engine(batch, workers), engine()))
    for left, right in zip(one, other, strict=True):
        assert left.source == right.source
        assert left.p_defect == pytest.approx(right.p_defect, abs=1e-6)
        assert [runs.area for runs in left.runs] == [runs.area for runs in right.runs]


def test_without_classifiers_every_image_goes_on() -> None:
    running = Engine((), (BrightPixels(HALF),))
    judged = list(judge(sources(3), running, RULE))
    assert [one.p_defect for one in judged] == [1.0] * 3
    assert sum(running.segmenters[0].seen) == 3


def test_unreadable_images_have_their_error_and_the_rest_goes_on(tmp_path: Path) -> None:
    good = sources(3)
    (tmp_path / "text.jpg").write_text("this is no image")
    (tmp_path / "cut.jpg").write_bytes(good[0].path.read_bytes()[:9000])
    bad = [Source(name, tmp_path / name) for name in ("text.jpg", "cut.jpg", "gone.jpg")]
    mixed = [bad[0], good[0], good[1], bad[1], bad[2], good[2]]
    judged = list(judge(mixed, engine(batch=2), RULE))
    assert [one.source for one in judged] == mixed
    assert [one.error is None for one in judged] == [False, True, True, False, False, True]
    for one in judged:
        if one.error is not None:
            assert str(one.source.path) in one.error
            assert (one.size, one.is_defective, len(one.runs)) == (None, False, 2)
            assert np.isnan(one.p_defect)


def test_a_folder_of_unreadable_images_alone(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("this is no image")
    assert [one.error is None for one in judge(find_sources([str(tmp_path)]), engine(), RULE)] == [False]


def test_images_of_any_size_depth_and_colour(tmp_path: Path) -> None:
    grey = read_image(sources(1)[0].path)
    variants = {
        "grey16.png": grey.astype(np.uint16) * 257,
        "colour.png": np.stack([grey, grey // 2, grey // 3], axis=2),
        "small.png": grey[:40, :30],
    }
    for name, pixels in variants.items():
        cv2.imwrite(str(tmp_path / name), pixels)
    judged = {one.source.image_id: one for one in judge(find_sources([str(tmp_path)]), engine(), RULE)}
    assert {name: one.size for name, one in judged.items()} == {
        name: pixels.shape[:2] for name, pixels in variants.items()
    }
    original = next(judge(sources(1), engine(), RULE))
    assert judged["grey16.png"].p_defect == pytest.approx(original.p_defect, abs=1e-3)


def test_reading_never_runs_far_ahead() -> None:
    taken = []

    def endless() -> Iterator[Any]:
        for number, source in enumerate(sources(60)):
            taken.append(number)
            yield source

    stream = judge(endless(), engine(), RULE)
    next(stream)
    stream.close()
    assert len(taken) <= 16


def _right_half(image: Any) -> Any:
    counted = np.zeros(image.shape[:2], np.bool_)
    counted[:, image.shape[1] // 2 :] = True
    return counted


def test_outside_of_the_region_networks_see_black_and_nothing_is_marked_or_suspected() -> None:
    """Class 1 is darkness: black is where it would be found most."""
    roi = Roi(polygons=Polygons(outside=(((0, 0), (0.5, 0), (0.5, 1), (0, 1)),)))
    policy, rule = (
        make_policy(0.01, 0.9),
        RULE.model_copy(update={"gate": 0.1, "lower": (90, 200), "upper": (100, 230)}),
    )
    judged = list(judge(sources(), replace(engine(), roi=roi), rule, keep_maps=True, policy=policy))
    found = suspected = 0
    for one in judged:
        counted = _right_half(one.image)
        black = np.where(counted, one.image, 0).astype(np.uint8)
        p, maps, _ = by_definition(black)
        inside = np.where(counted, maps, 0).astype(np.uint8)
        assert one.p_defect == pytest.approx(p, abs=1e-6)
        assert one.area == counted.sum() == one.counted.sum()
        assert one.image is not None
        assert (one.image == read_image(one.source.path)).all()
        np.testing.assert_array_equal(one.masks, masks(rule, one.p_defect, inside))
        if one.maps is not None:
            np.testing.assert_array_equal(one.maps, inside)
        assert not one.masks[:, ~counted].any()
        for runs in one.suspected_runs:
            assert not decode_runs(runs, one.size)[~counted].any()
        assert all(region.left >= one.size[1] // 2 for region in (*one.regions, *one.suspected))
        found, suspected = found + one.is_defective, suspected + len(one.suspected)
    assert found > 2
    assert suspected > 0


def test_an_image_that_the_region_does_not_fit_goes_to_a_person_with_both_sizes_named() -> None:
    roi = Roi(mask=Mask(height=9, width=8, runs="1 5"))
    for policy in (None, make_policy(0.1, 0.9)):
        for one in judge(sources(3), replace(engine(), roi=roi), RULE, policy=policy):
            assert one.error is not None
            assert "for images of 8 x 9 pixels (width x height), and this one has 1600 x 256" in one.error
            assert not one.is_defective
            answer = None if one.verdict is None else (one.verdict.answer, one.verdict.reason)
            expected = "the region of interest does not fit the image, so nothing is known about it"
            assert answer == (None if policy is None else ("review", expected))
