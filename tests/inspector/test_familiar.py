import numpy as np
import pytest
from data import SAMPLE, needs_sample

from steelsight.images import list_images, read_image
from steelsight.inspector.familiar import Familiar, brightness

pytestmark = needs_sample


def images():
    return [read_image(path) for path in list_images(SAMPLE / "train_images")[:20]]


def test_an_inspectors_own_images_are_never_flagged():
    familiar = Familiar.of(images())
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
        (lambda image: np.full_like(image, 250), ("brightness",)),
        (lambda image: np.stack([image] * 3, axis=2), ()),
        (lambda image: image.astype(np.uint16) * 257, ()),
    ],
)
def test_what_lies_far_outside_is_named(change, flags):
    familiar = Familiar.of(images())
    assert familiar.flags(change(images()[0])) == flags


def test_brightness_is_the_same_for_any_depth_and_colour():
    grey = images()[0]
    variants = (grey.astype(np.uint16) * 257, np.stack([grey] * 3, axis=2))
    assert all(brightness(one) == pytest.approx(grey.mean() / 255, abs=1e-5) for one in (grey, *variants))
