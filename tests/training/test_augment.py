"""Augmentation on drawn strips: image and mask move together, stay in range, and zoom as the reference does."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.data import SHARED, needs_shared
from helpers.training_samples import apply, apply_to_mask, member, severstal
from hypothesis import given
from hypothesis import strategies as st

from steelsight.dataset.model import Sample
from steelsight.imaging.read import read_image
from steelsight.imaging.rle import Runs, encode_mask
from steelsight.recipe import Member, load_recipe
from steelsight.training.augment import AugmentParams, _defect_pixel, defect_box, draw

MEMBER = member("segment-b0-strategy-1", recipe="paper")
OURS = member(
    "segment-b0-strategy-1",
    "members.*.augment.zoom_at=image",
    "members.*.augment.zoom_in.margins=each",
    "members.*.augment.zoom_in.aspect=widen",
    recipe="paper",
)
CROP = "members.segment-lite0.augment.crop"
WINDOWS = (f"{CROP}={{pixels: 32768, on_defect: 1, smallest: 0.7, largest: 1.3}}",)
STILL = AugmentParams((0, 0, 256, 1600), 1.0, (0.0, 0.0), False, False, 0.0, 1.0, 0.0, 1.0)


def two_classes() -> Sample:
    return next(sample for sample in severstal().samples if len(sample.classes) == 2)


def clean() -> Sample:
    return next(sample for sample in severstal().samples if not sample.is_defective)


@pytest.fixture(scope="module")
def strip() -> Any:
    return read_image(two_classes().path), two_classes().mask()


def test_no_chance_is_the_plain_input(strip: Any) -> None:
    image, mask = strip
    plain = MEMBER.preprocess.to_input(image)
    assert np.abs(apply(image, MEMBER.preprocess, STILL) - plain).max() < 1 / 255
    target = apply_to_mask(mask, MEMBER.preprocess, STILL)
    assert target.shape == (4, 128, 800)
    quarters = mask.reshape(4, 128, 2, 800, 2).mean((2, 4))
    assert np.abs(target - quarters).max() <= 0.5 / 255 + 1e-6


def test_flips_move_image_and_mask_together(strip: Any) -> None:
    image, mask = strip
    chance = AugmentParams(**{**STILL.__dict__, "flip_horizontal": True, "flip_vertical": True})
    pixels, target = apply(image, MEMBER.preprocess, chance), apply_to_mask(mask, MEMBER.preprocess, chance)
    still = apply(image, MEMBER.preprocess, STILL)
    assert np.abs(pixels - still[:, ::-1, ::-1]).max() < 1e-6  # the mean is summed in another order
    assert np.array_equal(target, apply_to_mask(mask, MEMBER.preprocess, STILL)[:, ::-1, ::-1])


def test_zoom_out_lays_a_smaller_image_on_black(strip: Any) -> None:
    image, mask = strip
    chance = AugmentParams(**{**STILL.__dict__, "shrink": 0.75, "place": (1.0, 0.0)})
    pixels = apply(np.maximum(image, 1), MEMBER.preprocess, chance)
    assert pixels[:, :32].max() == 0
    assert pixels[:, 32:, :600].min() > 0
    assert pixels[:, :, 600:].max() == 0
    whole = apply_to_mask(mask, MEMBER.preprocess, STILL).sum()
    assert apply_to_mask(mask, MEMBER.preprocess, chance).sum() == pytest.approx(whole * 0.75**2, rel=0.03)


def zooming(of: Member) -> Member:
    """The member, zooming in always."""
    zooms = {
        name: zoom.model_copy(update={"probability": probability})
        for name, zoom, probability in (("zoom_out", of.augment.zoom_out, 0.0), ("zoom_in", of.augment.zoom_in, 1.0))
        if zoom
    }
    return of.model_copy(update={"augment": of.augment.model_copy(update=zooms)})


@pytest.mark.parametrize("seed", range(12))
def test_a_widened_zoom_never_cuts_a_defect_and_keeps_the_aspect(strip: Any, seed: int) -> None:
    _, mask = strip
    box = defect_box(two_classes())
    assert box is not None
    rows, columns = np.flatnonzero(mask.any((0, 2))), np.flatnonzero(mask.any((0, 1)))
    assert box == (rows[0], columns[0], rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1)
    of = zooming(OURS)
    top, left, height, width = draw(of, two_classes(), np.random.default_rng(seed)).crop
    assert top <= box[0] and top + height >= box[0] + box[2]  # noqa: PT018 - one claim: it contains the box
    assert left <= box[1] and left + width >= box[1] + box[3]  # noqa: PT018
    assert width / height == pytest.approx(1600 / 256, rel=0.03)
    top, left, height, width = draw(of, clean(), np.random.default_rng(seed)).crop
    assert 0.69 * 256 <= height <= 0.91 * 256


def rectangle(box: tuple[int, int, int, int], size: tuple[int, int] = (256, 1600)) -> Sample:
    """A sample whose defect fills a box of top, left, bottom, right, inclusive."""
    top, left, bottom, right = box
    starts = np.arange(left, right + 1, dtype=np.int64) * size[0] + top
    return Sample("a", Path("a"), size, (Runs(starts, np.full(len(starts), bottom - top + 1, np.int64)),))


@needs_shared
@pytest.mark.parametrize(
    ("over", "count", "mean", "most"),
    [("class", 7082, 0.816, (0.65, 0.96)), ("image", 6655, 0.821, (0.66, 0.97))],
)
def test_windows_of_the_reference_have_its_sides_over_all_of_its_boxes(
    over: str, count: int, mean: float, most: tuple[float, float]
) -> None:
    """The window's side as a share of the image's, on average and 5-95 %: around a box for each class of an image, and around
    one of all its classes together, as `paper` draws it."""
    path = SHARED / "severstal" / "annotations" / "component_boxes_6666_images.csv"
    boxes: dict[Any, list[Any]] = {}
    with path.open(newline="", encoding="utf-8") as stream:
        for number, row in enumerate(csv.DictReader(stream)):
            boxes.setdefault(number if over == "class" else row["ImageId"], []).extend(json.loads(row["bboxes"]))
    assert len(boxes) == count
    of = zooming(MEMBER)
    sides = []
    for number, parts in enumerate(map(np.array, boxes.values())):
        (top, left), (bottom, right) = parts[:, :2].min(0).tolist(), parts[:, 2:].max(0).tolist()
        *_, height, width = draw(of, rectangle((top, left, bottom, right)), np.random.default_rng(number)).crop
        sides.append((height / 128 + width / 800) / 2)
    assert np.mean(sides) == pytest.approx(mean, abs=0.003)
    assert np.quantile(sides, (0.05, 0.95)) == pytest.approx(most, abs=0.01)


@given(
    top=st.integers(0, 200),
    left=st.integers(0, 1400),
    tall=st.integers(1, 56),
    wide=st.integers(1, 200),
    factor=st.floats(0.1, 0.4),
    seed=st.integers(0, 99),
)
def test_the_window_of_the_reference_follows_its_formula(
    top: int, left: int, tall: int, wide: int, factor: float, seed: int
) -> None:
    """One factor for all margins, then the longer side cut to the aspect at one of the four corners."""
    zoom = MEMBER.augment.zoom_in
    assert zoom
    alike = MEMBER.augment.model_copy(
        update={"zoom_in": zoom.model_copy(update={"margin_least": factor, "margin_most": factor})}
    )
    of = zooming(MEMBER.model_copy(update={"augment": alike}))
    sample = rectangle((top, left, top + tall - 1, left + wide - 1))
    y, x, height, width = draw(of, sample, np.random.default_rng(seed)).crop
    y0, x0 = factor * top / 2, factor * left / 2
    y1 = (top + tall) / 2 + (128 - (top + tall) / 2) * (1 - factor)
    x1 = (left + wide) / 2 + (800 - (left + wide) / 2) * (1 - factor)
    side = min((y1 - y0) / 128, (x1 - x0) / 800)
    assert height == pytest.approx(side * 128, abs=1.5)
    assert width == pytest.approx(side * 800, abs=7)
    assert min(abs(y - y0), abs(y + height - y1)) < 2
    assert min(abs(x - x0), abs(x + width - x1)) < 8


def test_a_zoom_at_the_working_size_enlarges_what_was_halved(strip: Any) -> None:
    image, mask = strip
    chance = AugmentParams(**{**STILL.__dict__, "crop": (16, 100, 96, 600), "at_working": True})
    plain = MEMBER.preprocess.to_input(image)
    want = cv2.resize(plain[0][16:112, 100:700], (800, 128), interpolation=cv2.INTER_LINEAR)
    assert np.abs(apply(image, MEMBER.preprocess, chance)[0] - want).max() < 1e-5
    whole = apply_to_mask(mask, MEMBER.preprocess, STILL)
    target = apply_to_mask(mask, MEMBER.preprocess, chance)
    for plane, of_whole in zip(target, whole, strict=True):
        want = cv2.resize(of_whole[16:112, 100:700], (800, 128), interpolation=cv2.INTER_LINEAR)
        assert np.abs(plane - want).max() < 1e-2


def test_ours_recolours_before_padding_and_stays_in_range(strip: Any) -> None:
    image, _ = strip
    bright = apply(image, MEMBER.preprocess, AugmentParams(**{**STILL.__dict__, "brightness": 0.1, "shrink": 0.8}))
    assert bright.min() == 0.0
    assert bright.max() <= 1.0
    harder = apply(image, MEMBER.preprocess, AugmentParams(**{**STILL.__dict__, "contrast": 1.4}))
    assert harder.std() > apply(image, MEMBER.preprocess, STILL).std()


def test_the_reference_recolours_after_padding_border_and_mean_included_and_clips_nothing(strip: Any) -> None:
    image, _ = strip
    padded = apply(image, MEMBER.preprocess, AugmentParams(**{**STILL.__dict__, "shrink": 0.8}))
    moved = {"shrink": 0.8, "brightness": -0.1, "contrast": 1.4, "whole_input": True}
    changed = apply(image, MEMBER.preprocess, AugmentParams(**{**STILL.__dict__, **moved}))
    mean = padded.mean()
    assert np.abs(changed - ((padded - mean) * 1.4 + mean - 0.1)).max() < 1e-5
    assert changed[padded == 0].max() < -0.1


def test_paper_augments_in_the_order_of_the_reference_and_the_other_recipes_in_ours() -> None:
    drawn = draw(MEMBER, two_classes(), np.random.default_rng(0))
    assert drawn.at_working
    assert drawn.whole_input
    drawn = draw(member("segment-lite0"), two_classes(), np.random.default_rng(0))
    assert not drawn.at_working
    assert not drawn.whole_input


@given(seed=st.integers(0, 10_000), full=st.booleans())
def test_the_box_from_runs_is_the_box_of_the_mask(seed: int, full: bool) -> None:
    random = np.random.default_rng(seed)
    mask = random.random((2, 7, 9)) > 0.9
    if full:
        mask[0, :, 3:5] = True
    sample = Sample("a", Path("a"), (7, 9), tuple(encode_mask(plane) for plane in mask))
    rows, columns = np.flatnonzero(mask.any((0, 2))), np.flatnonzero(mask.any((0, 1)))
    box = (rows[0], columns[0], rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1) if len(rows) else None
    assert defect_box(sample) == box


CROPPED = member("segment-lite0", "members.*.input={height: 128, width: 800}", *WINDOWS)


def test_a_window_is_cut_at_the_working_scale(strip: Any) -> None:
    image, mask = strip
    assert (CROPPED.training_preprocess.height, CROPPED.training_preprocess.width) == (128, 256)
    crop = (0, 300, 256, 512)
    chance = AugmentParams(**{**STILL.__dict__, "crop": crop})
    pixels = apply(image, CROPPED.training_preprocess, chance)
    whole = CROPPED.preprocess.to_input(image)
    assert pixels.shape == (3, 128, 256)
    assert np.abs(pixels - whole[:, :, 150:406]).max() < 2 / 255
    target = apply_to_mask(mask, CROPPED.training_preprocess, chance)
    assert np.abs(target - apply_to_mask(mask, CROPPED.preprocess, STILL)[:, :, 150:406]).max() < 1e-6


@pytest.mark.parametrize("sample", [two_classes(), clean()], ids=["defective", "clean"])
def test_windows_lie_inside_hold_a_defect_when_told_and_vary_in_scale(sample: Sample) -> None:
    crops = [draw(CROPPED, sample, np.random.default_rng(seed)).crop for seed in range(200)]
    assert all(
        top >= 0 and left >= 0 and top + height <= 256 and left + width <= 1600 for top, left, height, width in crops
    )
    widths = np.array([width for *_, width in crops])
    assert 0.7 * 512 - 1 <= widths.min() < 0.8 * 512
    assert 1.2 * 512 < widths.max() <= 1.3 * 512 + 1
    assert len({left for _, left, *_ in crops}) > 100
    if sample.is_defective:
        mask = sample.mask().any(0)
        assert all(mask[top : top + height, left : left + width].any() for top, left, height, width in crops)


def test_windows_away_from_defects_are_drawn_too() -> None:
    never = member("segment-lite0", "members.*.input={height: 128, width: 800}", *WINDOWS, f"{CROP}.on_defect=0")
    mask = two_classes().mask().any(0)
    crops = [draw(never, two_classes(), np.random.default_rng(seed)).crop for seed in range(50)]
    assert not all(mask[top : top + height, left : left + width].any() for top, left, height, width in crops)


@given(seed=st.integers(0, 10_000))
def test_a_drawn_defect_pixel_is_one(seed: int) -> None:
    random = np.random.default_rng(seed)
    mask = random.random((2, 7, 9)) > 0.8
    sample = Sample("a", Path("a"), (7, 9), tuple(encode_mask(plane) for plane in mask))
    if sample.is_defective:
        assert mask.any(0)[_defect_pixel(sample, random)]


def test_nothing_is_cut_away_of_an_image_whose_defect_nobody_knows() -> None:
    classifier = next(one for one in load_recipe("paper").members if one.step == "classify")
    resolved = member(classifier.name, recipe="paper")
    known = replace(clean(), shown=(1,))
    draws = [draw(resolved, known, np.random.default_rng(seed)) for seed in range(200)]
    assert {chance.crop for chance in draws} == {(0, 0, 128, 800)}  # where `paper` zooms: at the working size
    assert len({draw(resolved, clean(), np.random.default_rng(seed)).crop for seed in range(200)}) > 1
