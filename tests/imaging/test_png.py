"""What a PNG holds beside its pixels."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from steelsight.imaging.png import PngError, checked_png, refuse_more_data
from steelsight.imaging.read import decode_image

PIXELS = np.random.default_rng(1).integers(0, 256, (20, 30), np.uint8)


def encode(**more: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, "PNG", **more)
    return stream.getvalue()


def test_texts_and_profiles_are_left_out_and_no_pixel_changes() -> None:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("where", "line 2 " * 1000, zip=True)
    texts.add_itxt("wer", "Walzstraße " * 1000, zip=True)
    content = encode(pnginfo=texts, icc_profile=b"profile" * 100)
    lean = checked_png(content, "")
    assert all(kind in content and kind not in lean for kind in (b"zTXt", b"iTXt", b"iCCP"))
    assert np.array_equal(decode_image(content, Path("a")), PIXELS)


def test_a_png_without_them_is_the_same_bytes() -> None:
    content = encode()
    assert checked_png(content, "") is content


def test_the_data_of_the_image_alone_fits() -> None:
    content = encode()
    refuse_more_data(content, PIXELS.size)
    with pytest.raises(PngError, match="more image data than its 2 x 30 pixels have"):
        refuse_more_data(content.replace((20).to_bytes(4), (2).to_bytes(4), 1), 2 * 30)
