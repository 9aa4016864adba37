"""Stripes over what does not count."""

import numpy as np
import pytest

from steelsight.plots.hatched import hatched


@pytest.mark.parametrize("shape", [(96, 192), (96, 192, 3)])
def test_every_second_stripe_is_dimmed_and_nothing_else(shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).integers(100, 200, shape, np.uint8)
    before, ignored = image.copy(), np.zeros((96, 192), np.bool_)
    ignored[20:80, 30:150] = True
    shown = np.asarray(hatched(image, ignored))
    assert (image == before).all()
    changed = (shown != image).reshape(96, 192, -1).any(axis=2)
    assert not changed[~ignored].any()
    assert 0.4 < changed[ignored].mean() < 0.6
    assert (shown[changed] < image[changed]).all()


def test_stripes_are_seen_on_black_too() -> None:
    image = np.zeros((96, 192), np.uint8)
    image[:, 100:] = 200
    shown = np.asarray(hatched(image, np.ones((96, 192), np.bool_)))
    assert set(np.unique(shown[:, :100]).tolist()) == {0, 50}
    assert set(np.unique(shown[:, 100:]).tolist()) == {90, 200}


def test_an_image_without_any_or_of_another_size_is_returned_as_it_is() -> None:
    image = np.full((8, 9), 100, np.uint8)
    assert hatched(image, np.zeros((8, 9), np.bool_)) is image
    assert hatched(image, np.ones((9, 8), np.bool_)) is image
