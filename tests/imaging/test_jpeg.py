"""JPEG: what the decoder warns of is an error, and pixels are those of OpenCV."""

import cv2
import numpy as np
import pytest
from helpers.decoded import GREY, JPEG, read, refused
from helpers.pictures import encoded, steel


@pytest.mark.parametrize(
    "damaged",
    [JPEG[: len(JPEG) // 3] + b"\xff\xd9", JPEG[: len(JPEG) // 2] + JPEG[len(JPEG) // 2 + 3000 :], JPEG[:-2]],
    ids=["filled up to its end marker", "with a hole", "without its end marker"],
)
def test_what_the_decoder_warns_of_is_an_error_with_the_files_name(damaged: bytes) -> None:
    assert "remature end" in refused(damaged)


@pytest.mark.parametrize("kind", [cv2.IMREAD_GRAYSCALE, cv2.IMREAD_COLOR])
def test_a_jpeg_has_the_pixels_that_opencv_gives_it(kind: int) -> None:
    colour = np.dstack([steel(seed, (64, 96)) for seed in (1, 2, 3)])
    for pixels in (GREY, colour):
        content = encoded(".jpg", pixels)
        expected = cv2.imdecode(np.frombuffer(content, np.uint8), kind)
        found = read(content, grey=kind == cv2.IMREAD_GRAYSCALE)
        found = np.dstack([found] * 3) if kind == cv2.IMREAD_COLOR and found.ndim == 2 else found
        np.testing.assert_array_equal(found if found.ndim == 2 else found[..., ::-1], expected)
