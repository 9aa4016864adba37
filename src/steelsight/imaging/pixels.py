"""Pixels that a program brings, in place of a file: an array or a Pillow image, looked over before anything is judged."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelsight.core.errors import UserError
from steelsight.imaging.orientation import TAG, lies_on_its_side, stated_orientation, upright
from steelsight.imaging.preprocess import Image

_RULE = "an image is a uint8 or uint16 array, (height, width) grey or (height, width, 3) RGB"


def as_pixels(image: Any) -> Image:
    """An array or a Pillow image as the networks' preprocessing takes it; Pillow itself is not needed.

    Args:
        image: uint8 or uint16, (H, W) grey or (H, W, 3) RGB, in any memory layout; or a `PIL.Image.Image`, whose alpha is
            dropped, whose palette becomes its colours, and which is turned as its EXIF orientation says, like a file.

    Raises:
        UserError: it is something else: floats, channels first, a batch, alpha, no pixel; or an image that Pillow cannot
            load, or has loaded wrongly.

    >>> as_pixels(np.zeros((2, 3), np.uint8)).shape
    (2, 3)
    >>> as_pixels(np.zeros((2, 3), np.float32))
    Traceback (most recent call last):
    steelsight.core.errors.UserError: the array holds float32: an image is a uint8 or uint16 array, (height, width) grey or \
(height, width, 3) RGB; of values from 0 to 1 that is (image * 255).round().astype("uint8")
    """
    if hasattr(image, "mode") and hasattr(image, "convert"):
        return _of_pillow(image)
    if not isinstance(image, np.ndarray):
        raise UserError(f"{type(image).__name__}: {_RULE}, or a Pillow image, or the path of a file; give one of these")
    if image.dtype.kind == "f":
        raise UserError(
            f'the array holds {image.dtype}: {_RULE}; of values from 0 to 1 that is (image * 255).round().astype("uint8")'
        )
    if image.dtype not in (np.dtype(np.uint8), np.dtype(np.uint16)):
        mend = 'of values from 0 to 255 that is image.astype("uint8")'
        if image.dtype == np.bool_:
            mend = "of black and white that is image * np.uint8(255)"
        raise UserError(f"the array holds {image.dtype}: {_RULE}; {mend}")
    _refuse_shape(image)
    pixels: Image = np.ascontiguousarray(image)
    return pixels


def _refuse_shape(image: NDArray[Any]) -> None:
    shape, mend = image.shape, ""
    if len(shape) == 2 or (len(shape) == 3 and shape[2] == 3):
        if image.size:
            return
        mend = "; there is no pixel in it"
    elif len(shape) == 3 and 1 in (shape[0], shape[2]):
        mend = f"; take image[{'0' if shape[0] == 1 else '..., 0'}]"
    elif len(shape) == 3 and shape[0] == 3:
        mend = "; move its channels to the end by image.transpose(1, 2, 0)"
    elif len(shape) == 3 and shape[2] == 4:
        mend = "; drop alpha by image[..., :3]"
    elif len(shape) == 4:
        mend = "; give the images of a batch one by one"
    raise UserError(f"the array has the shape {shape}: {_RULE}{mend}")


def _of_pillow(image: Any) -> Image:
    _load(image)
    if image.mode in ("L", "RGB") or image.mode.startswith("I;16"):
        wanted = image
    elif image.mode in ("1", "LA", "La"):
        wanted = image.convert("LA").convert("L")  # Pillow knows no shorter way from La
    elif image.mode in ("P", "PA", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"):
        wanted = image.convert("RGB")
    else:
        raise UserError(
            f"a Pillow image of mode {image.mode}: its pixels are neither 8 nor 16 bit; convert it to L or RGB"
        )
    stored = np.asarray(
        wanted
    )  # first of all: Pillow turns a TIFF itself when it decodes it, and then states no orientation
    stated = image.getexif().get(TAG, 1) if hasattr(image, "getexif") else 1
    pixels = upright(stored, stated if isinstance(stated, int) else 1)
    return as_pixels(pixels.astype(np.uint16) if wanted.mode.startswith("I;16") else pixels)


def _load(image: Any) -> None:
    """Load what Pillow has opened only; a TIFF without a memory map of its file: of one that lies on its side, Pillow maps
    rows of the turned width, which scrambles its pixels (seen in Pillow 13)."""
    is_tiff = getattr(image, "format", None) == "TIFF"
    if getattr(image, "tile", None):
        name = image.filename
        if is_tiff:
            image.filename = ""  # without a name Pillow maps nothing, and reads the open file
        try:
            image.load()
        except (OSError, ValueError, SyntaxError) as error:
            raise UserError(f"{name or 'a Pillow image'}: Pillow cannot load it ({error}); give the path") from error
        finally:
            image.filename = name
        return
    mapped = getattr(image, "map", None) if is_tiff else None
    if mapped is not None and image.width != image.height and lies_on_its_side(stated_orientation(bytes(mapped))):
        raise UserError(
            f"{image.filename}: Pillow scrambles an uncompressed TIFF that lies on its side when it loads it; give the "
            "path, or the image before anything else has loaded it"
        )
