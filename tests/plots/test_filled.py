"""An image beside itself with its masks filled."""

import numpy as np
import pytest

from steelsight.plots.filled import filled_beside

COLOURS = ((255, 0, 0), (0, 0, 255))


@pytest.mark.parametrize("shape", [(300, 400), (128, 1120)])
def test_each_class_is_filled_in_its_colour_on_the_second_picture_alone(shape: tuple[int, int]) -> None:
    """Beside each other, or below each other where they are strips."""
    image = np.full(shape, 100, np.uint8)
    masks = np.zeros((2, *shape), bool)
    masks[0, 10:60, 20:90] = True
    masks[1, 60:120, 200:300] = True
    picture = filled_beside(image, masks, COLOURS).astype(int)
    strip = shape[1] > 4 * shape[0]
    tall, wide = picture.shape[:2]
    first, second = (
        (picture[: tall // 2 - 3], picture[tall // 2 + 3 :])
        if strip
        else (picture[:, : wide // 2 - 3], picture[:, wide // 2 + 3 :])
    )
    assert first.shape == second.shape
    assert np.ptp(first, axis=2).max() == 0
    red, blue = second[..., 0] - second[..., 2] > 80, second[..., 2] - second[..., 0] > 80
    for mask, seen in zip(masks, (red, blue), strict=True):
        assert seen.mean() == pytest.approx(mask.mean(), rel=0.05)
    assert (second[~(red | blue)] == 100).mean() > 0.9
