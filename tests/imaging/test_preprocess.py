"""Image -> input -> image: sizes, shapes, channels, and the way back."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelsight.imaging.preprocess import Preprocess, resize

SIZES = st.tuples(st.integers(1, 90), st.integers(1, 200))


@given(size=SIZES, fit=st.sampled_from(["stretch", "pad"]), colour=st.sampled_from(["grey", "rgb"]), deep=st.booleans())
def test_any_image_becomes_an_input_of_the_working_size(size: Any, fit: Any, colour: Any, deep: Any) -> None:
    preprocess = Preprocess(height=32, width=64, fit=fit, colour=colour)
    image = np.full(size, 65535 if deep else 255, np.uint16 if deep else np.uint8)
    for given_image in (image, np.stack([image] * 3, axis=-1)):
        pixels = preprocess.to_input(given_image)
        assert pixels.shape == (1 if colour == "grey" else 3, 32, 64)
        assert pixels.dtype == np.float32
        assert pixels.max() == pytest.approx(1.0)


@given(size=SIZES, fit=st.sampled_from(["stretch", "pad"]))
def test_a_constant_map_comes_back_constant_at_the_image_size(size: Any, fit: Any) -> None:
    preprocess = Preprocess(height=32, width=64, fit=fit)
    back = preprocess.map_to_image(np.full((2, 32, 64), 7.0, np.float32), size)
    assert back.shape == (2, *size)
    assert np.allclose(back, 7.0)


def test_padding_keeps_the_aspect_and_is_cut_off_on_the_way_back() -> None:
    preprocess = Preprocess(height=64, width=64, fit="pad")
    assert preprocess.frame((100, 200)) == (16, 0, 32, 64)
    image = np.full((100, 200), 255, np.uint8)
    pixels = preprocess.to_input(image)
    assert pixels[0, :16].max() == pixels[0, 48:].max() == 0
    assert pixels[0, 16:48].min() == 1
    assert np.allclose(preprocess.map_to_image(pixels, (100, 200)), 1.0)


def test_half_size_is_bilinear_as_in_the_reference() -> None:
    image = np.arange(16 * 32, dtype=np.float32).reshape(16, 32)
    expected = image.reshape(8, 2, 16, 2).mean((1, 3))
    assert np.allclose(resize(image, (8, 16)), expected)


def test_normalisation_subtracts_mean_and_divides_by_deviation() -> None:
    image = np.full((32, 32), 255, np.uint8)
    assert np.allclose(Preprocess(height=32, width=32, mean=0.5, deviation=0.5).to_input(image), 1.0)
    assert np.allclose(Preprocess(height=32, width=32, mean=0.5, deviation=0.5).to_input(image * 0), -1.0)


def test_grey_and_three_equal_channels_give_the_same_input() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 50), dtype=np.uint8)
    for colour in ("grey", "rgb"):
        preprocess = Preprocess(height=32, width=32, colour=colour)
        assert np.array_equal(preprocess.to_input(image), preprocess.to_input(np.stack([image] * 3, axis=-1)))
