"""The orientation that an image file states: labelling tools, viewers and browsers show the picture turned by it, so that
it is read turned, in every format alike.

Source of the numbers: EXIF 2.32 and TIFF 6.0, tag 274. The rows of the stored pixels begin at: 1 the top left, 2 the top
right, 3 the bottom right, 4 the bottom left; from 5 on rows are columns: 5 the left top, 6 the right top, 7 the right bottom,
8 the left bottom.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelsight.imaging.header import image_format, png_chunks
from steelsight.imaging.jpeg import jpeg_exif
from steelsight.imaging.tiff import orientation

TAG = 274
_LYING = 5  # from here on, rows are columns
_REVERSED_ROWS, _REVERSED_COLUMNS = frozenset({3, 4, 7, 8}), frozenset({2, 3, 6, 7})


def stated_orientation(content: bytes) -> int:
    """The orientation that an image file states, 1 to 8; 1 is as stored, or none is stated."""
    match image_format(content):
        case "jpeg":
            return orientation(jpeg_exif(content))
        case "png":
            return orientation(next((data for kind, data in png_chunks(content) if kind == b"eXIf"), b""))
        case "tiff":
            return orientation(content)
        case _:
            return 1


def upright(pixels: NDArray[Any], stated: int) -> NDArray[Any]:
    """Stored pixels (H, W, ...) turned as an orientation says; one that is none turns nothing.

    >>> stored = np.array([[1, 2, 3], [4, 5, 6]])
    >>> upright(stored, 6).tolist()  # a quarter turn to the right
    [[4, 1], [5, 2], [6, 3]]
    >>> upright(stored, 3).tolist()
    [[6, 5, 4], [3, 2, 1]]
    """
    if not 2 <= stated <= 8:
        return pixels
    turned = pixels.swapaxes(0, 1) if stated >= _LYING else pixels
    turned = turned[::-1] if stated in _REVERSED_ROWS else turned
    turned = turned[:, ::-1] if stated in _REVERSED_COLUMNS else turned
    return np.ascontiguousarray(turned)


def upright_size(size: tuple[int, int], stated: int) -> tuple[int, int]:
    """Height and width of an image of a stored height and width, once it is turned.

    >>> upright_size((2, 3), 6), upright_size((2, 3), 3)
    ((3, 2), (2, 3))
    """
    return size[::-1] if lies_on_its_side(stated) else size


def lies_on_its_side(stated: int) -> bool:
    """Whether an orientation makes columns of the stored rows."""
    return _LYING <= stated <= 8
