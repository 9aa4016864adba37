"""A defect from near: the part of an image around it, large enough to see its edge, with outlines."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from steelsight.imaging.preprocess import Image
from steelsight.plots.outlines import Colour, Outline, outlined

Box = tuple[int, int, int, int]
"""Left, top, width and height in pixels."""

_LEAST = 96  # pixels of a side, so that one sees where on the surface it lies
_AROUND = 0.6  # of the defect's side, on each side of it


def close_up(image: Image, outlines: Sequence[Outline], box: Box, classes: Sequence[str] = ()) -> Colour:
    """Draw outlines on the part of an image around a box, enlarged or reduced to suit a page; see `outlined`."""
    rows = _span(box[1], box[3], image.shape[0])
    columns = _span(box[0], box[2], image.shape[1])
    parts = [Outline(one.masks[:, rows, columns], one.colour, one.line) for one in outlines]
    part: Any = np.ascontiguousarray(image[rows, columns])
    return outlined(part, parts, classes)


def _span(start: int, length: int, side: int) -> slice:
    """Where to cut along one side: around the defect, inside the image.

    >>> _span(10, 4, 400), _span(390, 10, 400), _span(0, 300, 320)
    (slice(0, 96, None), slice(304, 400, None), slice(0, 320, None))
    """
    wanted = min(side, max(_LEAST, round(length * (1 + 2 * _AROUND))))
    first = min(max(0, start + length // 2 - wanted // 2), side - wanted)
    return slice(first, first + wanted)
