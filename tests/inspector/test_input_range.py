from typing import Any

import cv2
import numpy as np
import pytest
from helpers.data import SAMPLE, SHARED, needs_shared
from hypothesis import given, settings
from hypothesis import strategies as st

from steelsight.imaging.read import list_images, read_image
from steelsight.inspector import input_range
from steelsight.inspector.input_range import InputRange, brightness, look


def images() -> Any:
    return [read_image(path) for path in list_images(SAMPLE / "train_images")[:20]]


def test_an_inspectors_own_images_are_never_flagged() -> None:
    familiar = InputRange.of(images())
    assert familiar.images == 20
    assert (familiar.height, familiar.width) == ((256, 256), (1600, 1600))
    assert {familiar.flags(image) for image in images()} == {()}


@pytest.mark.parametrize(
    ("change", "flags"),
    [
        (lambda image: image[:128], ()),
        (lambda image: image[:127], ("size",)),
        (lambda image: np.tile(image, (2, 2)), ()),
        (lambda image: np.tile(image, (1, 3)), ("size",)),
        (lambda image: np.full_like(image, 250), ("brightness", "contrast", "sharpness")),
        (lambda image: np.stack([image] * 3, axis=2), ()),
        (lambda image: image.astype(np.uint16) * 257, ()),
    ],
)
def test_what_lies_far_outside_is_named(change: Any, flags: Any) -> None:
    familiar = InputRange.of(images())
    assert familiar.flags(change(images()[0])) == flags


def test_brightness_is_the_same_for_any_depth_and_colour() -> None:
    grey = images()[0]
    variants = (grey.astype(np.uint16) * 257, np.stack([grey] * 3, axis=2))
    assert all(brightness(one) == pytest.approx(grey.mean() / 255, abs=1e-5) for one in (grey, *variants))


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(1, 6), st.integers(1, 6), st.sampled_from([0, 0, 5])),
    st.integers(0, 1 << 30),
    st.sampled_from([None, 12, 16]),
)
def test_sharpness_is_that_of_the_whole_image(blocks: Any, seed: int, bits: Any) -> None:
    """Though the pixels of its liveliest blocks alone are looked at."""
    height, width, more = blocks
    random = np.random.default_rng(seed)
    white = 255 if bits is None else (1 << bits) - 1
    values = (
        random.random((32 * height + more, 32 * width + more)) * random.random((1, 32 * width + more)) * 1.1 * white
    )
    image: Any = np.minimum(values, 65535).astype(np.uint8 if bits is None else np.uint16)
    full = np.minimum(image, white).astype(np.float32) * np.float32(1 / white)

    def apart(pixels: Any, block: int) -> Any:
        far = cv2.absdiff(pixels, cv2.blur(pixels, (3, 3)))
        far[far < 1e-6] = 0
        size = max(1, far.shape[1] // block), max(1, far.shape[0] // block)
        return cv2.resize(far, size, interpolation=cv2.INTER_AREA).ravel().astype(np.float64)

    quarter = max(1, full.shape[1] // 4), max(1, full.shape[0] // 4)
    fine, coarse = apart(full, 32), apart(cv2.resize(full, quarter, interpolation=cv2.INTER_AREA), 8)
    lively = np.argsort(coarse)[-max(1, coarse.size // 10) :]
    assert look(image, bits).contrast == round(float(np.quantile(coarse, 0.99)), 6)
    assert look(image, bits).sharpness == round(float(np.median(fine[lively]) / np.median(coarse[lively])), 6)


def blurred(sigma: Any) -> Any:
    return lambda image: cv2.GaussianBlur(image, (0, 0), sigma)


@pytest.mark.parametrize(
    "data", [SAMPLE, pytest.param(SHARED / "severstal", marks=needs_shared)], ids=["drawn", "real"]
)
@pytest.mark.parametrize(
    ("change", "flag", "least"),
    [
        (lambda image: np.random.default_rng(0).integers(0, 5, image.shape, np.uint8), "light", 1.0),
        (lambda image: (image * 0.05).astype(np.uint8), "light", 1.0),
        (lambda image: np.full_like(image, 120), "contrast", 1.0),
        (lambda image: np.rint(image.mean() + 0.05 * (image - image.mean())).astype(np.uint8), "contrast", 0.9),
        (blurred(1.5), "sharpness", 0.8),
        (blurred(2), "sharpness", 0.8),
        (blurred(6), None, 0.8),
    ],
)
def test_a_camera_that_sees_nothing_is_named(data: Any, change: Any, flag: Any, least: Any) -> None:
    familiar = InputRange.of(read_image(path) for path in list_images(data / "train_images")[::2])
    flags = [familiar.flags(change(read_image(path))) for path in list_images(data / "test_images")]
    share = np.mean([bool(found) if flag is None else flag in found for found in flags])
    assert share >= least


@pytest.mark.parametrize(
    ("data", "least"),
    [(SAMPLE, 0.6), pytest.param(SHARED / "severstal", 0.8, marks=needs_shared)],
    ids=["drawn", "real"],
)
def test_a_lamp_at_a_tenth_is_named_unless_the_strip_is_much_brighter_than_the_darkest(data: Any, least: Any) -> None:
    """Drawn coils differ more in their light than the competition's, so more of them stay above a third of the least."""
    familiar = InputRange.of(read_image(path) for path in list_images(data / "train_images")[::2])
    named = []
    for image in map(read_image, list_images(data / "test_images")):
        dimmed = (image * 0.1).astype(np.uint8)
        named.append("light" in familiar.flags(dimmed))
        assert named[-1] == (np.quantile(dimmed, 0.99) / 255 < familiar.light[0] / 3)
    assert np.mean(named) >= least


@needs_shared
def test_no_other_real_strip_is_flagged() -> None:
    familiar = InputRange.of(read_image(path) for path in list_images(SHARED / "severstal/train_images"))
    others = list_images(SHARED / "severstal/train_images") + list_images(SHARED / "severstal/test_images")
    assert len(others) == 154
    assert {familiar.flags(read_image(path)) for path in others} == {()}


def test_an_inspector_of_before_is_read_and_sees_a_frame_without_light() -> None:
    familiar = InputRange.of(images())
    before = InputRange.model_validate(familiar.model_dump(exclude={"light", "contrast", "sharpness"}))
    assert {before.flags(image) for image in images()} == {()}
    assert "light" in before.flags(np.random.default_rng(0).integers(0, 5, (256, 1600), np.uint8))
    assert "contrast" in before.flags(np.full((256, 1600), 110, np.uint8))


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_fewer_bits_in_sixteen_are_flagged_unless_the_images_were_such(bits: int) -> None:
    """However dark some of the known images were."""
    rng = np.random.default_rng(5)
    dark, bright = (rng.integers(5, top, (64, 256)).astype(np.uint8) for top in (30, 250))
    known = InputRange.of([dark, bright])
    up = np.uint16(bits - 8)
    shifted, full = bright.astype(np.uint16) << up, bright.astype(np.uint16) * np.uint16(257)
    assert "light" in known.flags(shifted)
    assert known.flags(full) == ()
    assert "light" not in InputRange.of([shifted]).flags(shifted)
    such = InputRange.of([dark.astype(np.uint16) << up, shifted], bits)
    assert such.flags(shifted) == such.flags(bright) == ()
    assert "bits" in such.flags(full)
    assert "light" in such.flags(shifted >> np.uint16(4))


@pytest.mark.parametrize("exact", [1 << 24, 100])
def test_values_are_counted_alike_either_way(exact: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_range, "_EXACT", exact)
    grey = np.random.default_rng(0).integers(0, 256, (40, 60), np.uint8)
    assert (input_range._counts(grey, 255) == np.bincount(grey.ravel(), minlength=256)).all()
