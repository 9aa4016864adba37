"""The strip within an image: on strips that we draw, whose edge is known, and on real ones."""

import numpy as np
import pytest
from helpers.data import SHARED, needs_shared
from hypothesis import given, settings
from hypothesis import strategies as st

from steelsight.imaging.read import list_images, read_image
from steelsight.imaging.strip_edge import strip_mask


def _strip(
    margin: int, slope: float, seed: int = 0, size: tuple[int, int] = (128, 400)
) -> tuple[np.ndarray, np.ndarray]:
    """A grey strip with noise, black on the left up to a sloping edge; and where the strip is."""
    random = np.random.default_rng(seed)
    image = random.normal(90, 14, size).clip(30, 250)
    edge = margin + slope * (np.arange(size[0]) - size[0] / 2)
    strip = np.arange(size[1])[None, :] >= edge[:, None]
    image[~strip] = random.normal(3, 1.5, size).clip(0, 9)[~strip]
    return image.astype(np.uint8), strip


@given(
    margin=st.integers(12, 340),
    slope=st.floats(-0.05, 0.05),
    seed=st.integers(0, 9),
    turns=st.integers(0, 3),
    deep=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_a_sloping_edge_is_found_on_any_side_to_within_a_few_pixels(
    margin: int, slope: float, seed: int, turns: int, deep: bool
) -> None:
    image, strip = (np.rot90(one, turns).copy() for one in _strip(margin, slope, seed))
    found = strip_mask(image.astype(np.uint16) * 16 if deep else image)
    assert (found != strip).mean() < 4 / 400
    np.testing.assert_array_equal(found, strip_mask(np.repeat(image[..., None], 3, axis=2)))


@given(level=st.integers(0, 200), seed=st.integers(0, 9))
@settings(max_examples=30, deadline=None)
def test_without_a_margin_all_of_the_image_is_strip(level: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    image = random.normal(level, 5 + level / 8, (64, 300)).clip(0, 255).astype(np.uint8)
    assert strip_mask(image).all()


def test_a_dark_defect_at_the_edge_stays_on_the_strip() -> None:
    image, strip = _strip(100, 0.02)
    image[40:60, 90:160] = 2
    found = strip_mask(image)
    assert found[44:56, 110:160].all()
    assert (found != strip).mean() < 0.01


def test_specks_of_light_in_the_margin_do_not_turn_the_edge() -> None:
    image, strip = _strip(200, 0.0)
    image[np.random.default_rng(1).random(image.shape) < 0.0005] = 255
    assert (strip_mask(image) != strip).mean() < 0.02


@pytest.mark.parametrize("dark", ["spot", "shadow"])
def test_what_is_dark_and_no_margin_is_strip(dark: str) -> None:
    """A dark spot at the side, and a shadow whose border is no straight line."""
    image, _ = _strip(0, 0.0)
    if dark == "spot":
        image[30:80, :60] = 2
    else:
        for row, end in enumerate(60 + 40 * np.sin(np.arange(len(image)) / 9)):
            image[row, : int(end)] = 2
    assert strip_mask(image).all()


@needs_shared
def test_real_strips_keep_their_steel_and_lose_their_margins() -> None:
    """Columns in which nothing is brighter than the black beside a strip are margin, and what is bright is not."""
    files = list_images(SHARED / "severstal" / "train_images")[:40]
    with_margin = 0
    for file in files:
        image = read_image(file, grey=True)
        strip = strip_mask(image)
        bright = np.quantile(image, 0.9, axis=0)
        assert strip[image > 60].mean() > 0.99, file.name
        dark = np.flatnonzero(bright <= 10)
        if dark.size > 40 and (bright > 40).any() and (bright[:4].max() <= 10 or bright[-4:].max() <= 10):
            with_margin += 1
            assert strip[:, dark].mean() < 0.1, file.name
    assert with_margin > 5
