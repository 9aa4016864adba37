"""Defects pasted onto good strips: what is pasted is what the mask says, and nothing else changes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.training_samples import finished, member, severstal
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from steelsight.core.errors import UserError
from steelsight.dataset.model import Sample
from steelsight.imaging.preprocess import Image
from steelsight.imaging.read import read_image
from steelsight.imaging.rle import Runs, decode_runs, encode_mask
from steelsight.recipe import Member
from steelsight.recipe.augment import Paste
from steelsight.training.loading import TrainingImages
from steelsight.training.paste import Donors, laid_on

ALWAYS = Paste(probability=1)
PASTE = "members.*.augment.paste={probability: 1}"
PREPROCESS = member("segment-lite0").preprocess


def good() -> Sample:
    return next(sample for sample in severstal().samples if not sample.is_defective)


def pasted(sample: Sample, image: Image, number: int, paste: Paste = ALWAYS) -> tuple[Sample, Image]:
    donors = Donors(severstal().samples)
    return donors.paste(pasting(paste), sample, image, read_image, np.random.default_rng(number))


def pasting(paste: Paste | None = ALWAYS, colour: str = "grey") -> Member:
    of = member("segment-lite0", f"members.*.input.colour={colour}")
    return of.model_copy(update={"augment": of.augment.model_copy(update={"paste": paste})})


def test_a_good_strip_gets_one_defect_and_its_mask() -> None:
    sample = good()
    image = PREPROCESS.channels_of(read_image(sample.path))
    classes = set()
    for number in range(40):
        with_defect, changed = pasted(sample, image, number)
        (of_class,) = with_defect.classes
        classes.add(of_class)
        mask = decode_runs(with_defect.runs[of_class], sample.size)
        assert changed.shape == image.shape
        assert changed.dtype == image.dtype
        assert (changed[mask] != image[mask]).mean() > 0.3
        rows, columns = np.nonzero(changed != image)
        inside = np.nonzero(mask)
        for touched, marked in ((rows, inside[0]), (columns, inside[1])):
            assert touched.min() >= marked.min() - 8
            assert touched.max() <= marked.max() + 8
    assert classes == {0, 1, 2, 3}


def test_the_strip_itself_is_left_as_it_was() -> None:
    image = PREPROCESS.channels_of(read_image(good().path))
    before = image.copy()
    image.flags.writeable = False
    pasted(good(), image, 0)
    assert np.array_equal(image, before)


def test_what_is_no_good_strip_gets_none() -> None:
    everything = encode_mask(np.ones((256, 1600), np.uint8))
    sample = good()
    image = PREPROCESS.channels_of(read_image(sample.path))
    weak, partly = replace(sample, shown=(1,)), replace(sample, ignored=everything)
    defective = next(one for one in severstal().samples if one.is_defective)
    for other in (weak, partly, defective):
        same, unchanged = pasted(other, image, 1)
        assert same is other
        assert unchanged is image
    for paste in (Paste(probability=0), None):
        same, unchanged = Donors(severstal().samples).paste(
            pasting(paste), sample, image, read_image, np.random.default_rng(1)
        )
        assert same is sample
        assert unchanged is image


def test_without_a_mask_anywhere_nothing_is_pasted() -> None:
    sample = good()
    image = PREPROCESS.channels_of(read_image(sample.path))
    weak = replace(sample, shown=(1,))
    random = np.random.default_rng(0)
    same, _ = Donors([sample, weak]).paste(pasting(), sample, image, read_image, random)
    assert same is sample


@pytest.mark.parametrize("size", [(40, 60), (256, 1600), (10, 12)])
def test_a_defect_larger_than_the_strip_is_cut(size: tuple[int, int]) -> None:
    mask = np.zeros((256, 1600), np.bool_)
    mask[5:251, 5:1595] = True
    big = drawn("big", mask)
    other = np.where(mask, 60, steel((256, 1600))).astype(np.uint8)
    with_defect, changed = Donors([big]).paste(
        pasting(), drawn("small", np.zeros(size, np.bool_)), steel(size), lambda path: other, np.random.default_rng(2)
    )
    marked = with_defect.mask()[0]
    assert marked.any()
    assert changed.shape == size
    assert abs(float(changed[marked].mean()) - 60) < 20  # as few pixels around it say little


def drawn(name: str, *masks: NDArray[np.bool_], ignored: NDArray[np.bool_] | None = None) -> Sample:
    """A sample of these masks."""
    runs = tuple(encode_mask(mask) for mask in masks)
    nothing = Runs.empty() if ignored is None else encode_mask(ignored)
    return Sample(name, Path(name), (masks[0].shape[0], masks[0].shape[1]), runs, ignored=nothing)


def steel(size: tuple[int, int] = (128, 200), level: float = 120, seed: int = 0) -> NDArray[np.uint8]:
    """Plain steel."""
    return np.random.default_rng(seed).normal(level, 2, size).astype(np.uint8)


NOTHING = np.zeros((128, 200), np.bool_)
DENT = NOTHING.copy()
DENT[40:60, 50:90] = True
BESIDE = NOTHING.copy()
BESIDE[40:60, 90:110] = True


def dented(level: float = 120) -> NDArray[np.uint8]:
    return np.where(DENT, steel(level=level) - 40, steel(level=level)).astype(np.uint8)


def paste_on(
    image: Image, donor: Sample, of_donor: Image, sample: Sample | None = None, of: Member | None = None
) -> tuple[Sample, Image]:
    good_one = sample or drawn("good", *[NOTHING] * len(donor.runs))
    return Donors([donor]).paste(of or pasting(), good_one, image, lambda path: of_donor, np.random.default_rng(0))


def test_a_defect_without_steel_around_it_is_not_pasted() -> None:
    """Nothing says what it changes: its mask would lie on what looks like good steel."""
    same, unchanged = paste_on(steel(seed=1), drawn("all", ~NOTHING), steel(level=60))
    assert not same.is_defective
    assert np.array_equal(unchanged, steel(seed=1))


@pytest.mark.parametrize("beside", ["ignored", "another defect", "black"])
def test_what_lies_beside_a_defect_is_neither_pasted_nor_taken_for_steel(beside: str) -> None:
    image = np.where(BESIDE, 2 if beside == "black" else 250, dented()).astype(np.uint8)
    donor = drawn("donor", DENT, ignored=BESIDE if beside == "ignored" else None)
    donors = Donors(
        [replace(donor, runs=(donor.runs[0], encode_mask(BESIDE)))] if beside == "another defect" else [donor]
    )
    donors.of_class.pop(1, None)  # the dice take the first
    sample = drawn("good", NOTHING, NOTHING)
    random = np.random.default_rng(0)
    pasted_one, changed = donors.paste(pasting(), sample, steel(seed=1), lambda path: image, random)
    marked = pasted_one.mask().any(0)
    assert abs(float(changed[marked].mean()) - 80) < 2
    differs = np.abs(changed.astype(int) - steel(seed=1))
    assert differs[~marked].max() < 25


def test_a_pixel_of_two_classes_is_pasted_with_both() -> None:
    part = DENT.copy()
    part[50:] = False
    both, _ = paste_on(steel(seed=1), drawn("donor", DENT, part), dented())
    masks = both.mask()
    assert (masks[0] & masks[1]).sum() == part.sum()


def test_a_strip_of_which_a_part_is_ignored_gets_a_defect_beside_that() -> None:
    """With a region of interest, something is ignored in every image."""
    outside = NOTHING.copy()
    outside[:, 150:] = True
    image = np.where(outside, 0, steel(seed=1)).astype(np.uint8)
    seen, changed = paste_on(image, drawn("donor", DENT), dented(), drawn("good", NOTHING, ignored=outside))
    assert seen.is_defective
    assert not (seen.mask()[0] & outside).any()
    assert np.array_equal(changed[outside], image[outside])


@pytest.mark.parametrize("from_8_bits", [True, False])
def test_white_of_a_camera_stays_white(from_8_bits: bool) -> None:
    """12 bits in files of 16, beside files of 8 bits."""
    of = member("segment-lite0", "members.*.input.bits=12").model_copy(update={"augment": pasting().augment})
    eight, twelve = np.uint8(1), np.uint16(16)
    to, by = (twelve, eight) if from_8_bits else (eight, twelve)
    image: Image = steel(seed=1) * to
    seen, changed = paste_on(image, drawn("donor", DENT), dented() * by, of=of)
    assert changed.dtype == image.dtype
    assert abs(float(changed[seen.mask()[0]].mean()) / int(to) - 80) < 2


def test_steel_without_blue_is_no_black() -> None:
    rusty = np.stack([steel(seed=1), steel(level=60), np.zeros((128, 200), np.uint8)], -1)
    of_donor = np.stack([dented(), dented(), np.zeros((128, 200), np.uint8)], -1)
    seen, _ = paste_on(rusty, drawn("donor", DENT), of_donor, of=pasting(colour="rgb"))
    assert seen.is_defective


@given(st.integers(0, 2**32 - 1), st.sampled_from([np.uint8, np.uint16]), st.booleans())
def test_brightness_follows_the_steel_it_is_laid_on(seed: int, dtype: type, coloured: bool) -> None:
    random = np.random.default_rng(seed)
    shape = (40, 50, 3) if coloured else (40, 50)
    white = np.iinfo(dtype).max
    level, own, depth = random.uniform(0.3, 0.7, 3) * white
    steel = np.clip(own + random.normal(0, 0.02, shape) * white, 0, white).astype(dtype)
    patch = np.clip(level + random.normal(0, 0.02, shape) * white, 0, white).astype(dtype)
    mask = np.zeros((40, 50), np.bool_)
    mask[10:30, 15:35] = True
    darker = patch.astype(np.float64)
    darker[mask] -= 0.3 * depth
    laid = laid_on(steel, np.clip(darker, 0, white).astype(dtype), mask, ~mask)
    assert laid.dtype == dtype
    assert laid.shape == shape
    assert np.array_equal(laid[:2], steel[:2])
    wanted = own - 0.3 * depth
    if 0.1 * white < wanted:
        assert abs(float(laid[mask].mean()) - wanted) < 0.03 * white


def test_a_training_learns_from_what_was_pasted_and_repeats_itself() -> None:
    of = member("segment-lite0", PASTE)
    samples = severstal().samples
    clean = [place for place, sample in enumerate(samples) if not sample.is_defective]
    images = TrainingImages(of, samples, 0, "job")
    shown = 0
    for place in range(12):
        item = (clean[place % len(clean)], 0, place)
        pixels, mask = finished(of, images[item])
        again, same = finished(of, TrainingImages(of, samples, 0, "job")[item])
        assert np.array_equal(pixels.numpy(), again.numpy())
        assert np.array_equal(mask.numpy(), same.numpy())  # type: ignore[union-attr]
        shown += bool(mask.max() >= 0.5)  # type: ignore[union-attr]
    assert 4 <= shown <= 12


def test_no_defect_is_pasted_beside_the_strip() -> None:
    sample, donors = good(), Donors(severstal().samples)
    image = np.full(sample.size, 120, np.uint8)
    image[:, :1200] = 2
    for number in range(20):
        seen, changed = donors.paste(pasting(), sample, image, read_image, np.random.default_rng(number))
        if seen is sample:  # too long a defect for what is left of the strip
            assert changed is image
            continue
        pasted_on = np.argwhere(seen.mask().max(0))
        assert (pasted_on[:, 1] < 1200).mean() <= 0.05
    black = np.full(sample.size, 3, np.uint8)
    black[0] = 120
    seen, _ = donors.paste(pasting(), sample, black, read_image, np.random.default_rng(0))
    assert seen is sample


def test_colour_is_pasted_on_grey_and_grey_on_colour() -> None:
    rgb = pasting(colour="rgb")
    sample = good()
    grey = read_image(sample.path, grey=True)
    coloured: Image = np.repeat(grey[..., None], 3, axis=2).astype(np.uint8)
    donors = Donors(severstal().samples)
    for image, other in ((coloured, grey), (grey, coloured)):
        read = dict.fromkeys((one.path for one in severstal().samples), other).__getitem__
        _, changed = donors.paste(rgb, sample, image, read, np.random.default_rng(0))
        assert changed.shape == image.shape


def test_images_at_their_working_size_get_none() -> None:
    with pytest.raises(UserError, match="paste lays defects on the image"):
        member("segment-lite0", PASTE, "members.*.augment.crop=null", "members.*.augment.zoom_at=working")
