"""Outlines on images."""

import base64

import cv2
import numpy as np
import pytest
from helpers.data import SAMPLE

from steelsight.dataset.read import read_dataset
from steelsight.imaging.read import read_image
from steelsight.plots.outlines import PREDICTION, TRUTH, Outline, display, jpeg, outlined


def _has(picture: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int((np.abs(picture.astype(int) - colour).max(axis=2) <= 8).sum())


def test_truth_and_prediction_are_drawn_in_their_own_colours() -> None:
    sample = next(sample for sample in read_dataset(SAMPLE, decode=False).samples if sample.is_defective)
    image, mask = read_image(sample.path), sample.mask()
    plain = outlined(image, [])
    assert _has(plain, TRUTH) == _has(plain, PREDICTION) == 0
    both = outlined(image, [Outline(mask, TRUTH), Outline(np.roll(mask, 60, axis=2), PREDICTION, "dashed")])
    assert _has(both, TRUTH) > 50
    assert _has(both, PREDICTION) > 20


@pytest.mark.parametrize("shape", [(256, 1600), (20, 30), (2000, 100), (300, 300, 3)])
def test_a_single_pixel_is_seen_in_an_image_of_any_shape(shape: tuple[int, ...]) -> None:
    mask = np.zeros((1, *shape[:2]), np.bool_)
    mask[0, shape[0] // 2, shape[1] // 2] = True
    picture = outlined(np.full(shape, 90, np.uint8), [Outline(mask, TRUTH)])
    assert _has(picture, TRUTH) > 4
    assert picture.shape[0] <= 300
    assert picture.shape[1] <= 1120


def test_sixteen_bit_images_use_the_whole_range() -> None:
    ramp = np.linspace(300, 900, 256, dtype=np.uint16).reshape(16, 16)
    shown = display(ramp)
    assert shown.shape == (16, 16, 3)
    assert shown.min() == 0
    assert shown.max() == 255


def test_class_names_stand_beside_outlines_of_several_classes_only() -> None:
    mask = np.zeros((2, 100, 400), np.bool_)
    mask[0, 50:60, 100:120] = mask[1, 50:60, 300:320] = True
    image = np.full((100, 400), 90, np.uint8)
    outlines = [Outline(mask, TRUTH)]
    named, bare = outlined(image, outlines, ("scratch", "patch")), outlined(image, outlines)
    assert _has(named, TRUTH) > 2 * _has(bare, TRUTH)


def test_jpeg_addresses_decode() -> None:
    address = jpeg(np.full((10, 20, 3), 128, np.uint8))
    content = base64.b64decode(address.removeprefix("data:image/jpeg;base64,"))
    assert cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR).shape == (10, 20, 3)
