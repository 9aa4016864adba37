"""Bytes that are decoded, or refused in a sentence with the file's name."""

from pathlib import Path

import numpy as np
import pytest
from helpers.pictures import encoded, steel

from steelsight.imaging.read import ImageError, decode_image

GREY = steel(1, (256, 400))
GREY_16 = GREY.astype(np.uint16) * 256
JPEG = encoded(".jpg", GREY)


def read(content: bytes, **how: bool) -> np.ndarray:
    return decode_image(content, Path("a.img"), **how)


def refused(content: bytes) -> str:
    with pytest.raises(ImageError) as error:
        read(content)
    assert str(error.value).startswith("a.img: ")
    return str(error.value)
