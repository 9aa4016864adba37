"""Connected defects: each region of a mask, where it lies, how large it is and how sure the networks are of it."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Region:
    """One connected defect, in pixels of the original image.

    Attributes:
        class_index: place of its class among the class names.
        left, top, width, height: of the smallest box around it; left and top count from 0.
        area: number of its pixels.
        probability: mean probability of its class over its pixels, in [0, 1].
    """

    class_index: int
    left: int
    top: int
    width: int
    height: int
    area: int
    probability: float


def find_regions(class_index: int, mask: NDArray[np.bool_], map_: NDArray[np.uint8]) -> tuple[Region, ...]:
    """The connected parts of a mask (pixels that touch by a side or a corner), from left to right.

    Args:
        mask: bool (height, width).
        map_: uint8 (height, width), probability times 255.

    >>> mask = np.array([[1, 0, 0, 1], [1, 0, 0, 0]], bool)
    >>> for region in find_regions(2, mask, np.full((2, 4), 204, np.uint8)):
    ...     print(region)
    Region(class_index=2, left=0, top=0, width=1, height=2, area=2, probability=0.8)
    Region(class_index=2, left=3, top=0, width=1, height=1, area=1, probability=0.8)
    """
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    if not width:
        return ()
    inside = (slice(top, top + height), slice(left, left + width))
    part = np.ascontiguousarray(mask[inside]).view(np.uint8)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(part, connectivity=8)
    level = map_[inside]
    drawn = np.flatnonzero(part)
    sums = np.bincount(labels.ravel()[drawn], weights=level.ravel()[drawn], minlength=count)
    found = [
        Region(class_index, left + x, top + y, w, h, area, round(float(total) / area / 255, 6))
        for (x, y, w, h, area), total in zip(boxes[1:].tolist(), sums[1:], strict=True)
    ]
    return tuple(sorted(found, key=lambda region: (region.left, region.top)))
