"""An image with stripes over what does not count, so that nobody looks for a mask there."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelsight.imaging.preprocess import Image

_STRIPES = 48  # along the longer side of the picture: wide enough to be seen when it is reduced
_DIMMED = 0.45
_DARK = 0.25  # of the brightest pixel: what is darker is lightened by as much, or stripes on black would not be seen


def hatched(image: Image, ignored: NDArray[np.bool_]) -> Image:
    """Dim every second of some diagonal stripes where a mask is set, or lighten it on black.

    Returns the very image where the mask is set nowhere, or is of another size.

    Args:
        image: any size and depth.
        ignored: bool (H, W), at the image's own size.

    >>> hatched(np.full((2, 4), 200, np.uint8), np.array([[1, 1, 0, 0]] * 2, bool)).tolist()
    [[90, 200, 200, 200], [200, 90, 200, 200]]
    """
    if not ignored.any() or image.shape[:2] != ignored.shape:  # another image may lie in its place by now
        return image
    rows, columns = np.nonzero(ignored)
    pitch = max(1, max(image.shape[:2]) // _STRIPES)
    dark = (rows + columns) // pitch % 2 == 0
    painted: Any = np.array(image)
    place = (rows[dark], columns[dark])
    under, dark_up_to = painted[place].astype(np.float64), _DARK * float(image.max())
    shown = np.where(under < dark_up_to, under + dark_up_to, under * _DIMMED)
    painted[place] = np.round(shown).astype(painted.dtype)
    result: Image = painted
    return result
