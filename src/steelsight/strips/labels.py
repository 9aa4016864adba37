"""Labels of a strip: the drawn pixels, or polygons as annotators draw them, some overlooked, some doubtful."""

import cv2
import numpy as np
from numpy.typing import NDArray

from steelsight.imaging.rle import Runs, encode_mask
from steelsight.strips.defects import CLASSES
from steelsight.strips.seeded_random import LABELS, Bytes, pick, stream

OVERLOOKED = 0.06
"""Share of defects around which no polygon is drawn."""
HALF = 0.05
"""Share of defects of which a part is left out."""
DOUBTFUL = 0.03
"""Share of strips on which a polygon surrounds what is no defect."""

_TALL = 256
_CORNERS = 4  # fewest of a doubtful polygon


def exact(truth: Bytes) -> tuple[Runs, ...]:
    """The drawn pixels of each class.

    >>> exact(np.array([[0, 3], [0, 3]], np.uint8))[2].area
    2
    """
    return tuple(encode_mask(truth == number) for number in range(1, len(CLASSES) + 1))


def loose(seed: int, index: int, truth: Bytes) -> tuple[Runs, ...]:
    """Polygons around the drawn defects of each class: some pixels too wide, with few corners and without holes."""
    random = stream(seed, LABELS, index)
    scale = truth.shape[0] / _TALL
    masks = [np.zeros(truth.shape, np.uint8) for _ in CLASSES]
    for number, mask in enumerate(masks, start=1):
        for part in _parts(truth == number, scale):
            fate = random.random()
            if fate < OVERLOOKED:
                continue
            if fate < OVERLOOKED + HALF:
                _leave_part_out(random, part)
            _around(random, part, mask, scale)
    if random.random() < DOUBTFUL:
        _doubtful(random, masks[2], scale)
    return tuple(encode_mask(mask) for mask in masks)


def _parts(mask: NDArray[np.bool_], scale: float) -> list[Bytes]:
    """The separate defects of a mask; what lies closer than an annotator would part is one."""
    if not mask.any():
        return []
    side = 2 * max(1, round(3 * scale)) + 1
    grown = cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8))
    count, numbers = cv2.connectedComponents(grown)
    return [((numbers == number) & mask).astype(np.uint8) for number in range(1, count)]


def _leave_part_out(random: np.random.Generator, part: Bytes) -> None:
    """Take away the upper or lower end of a defect."""
    rows = np.flatnonzero(part.any(axis=1))
    cut = int(rows[0] + (rows[-1] - rows[0]) * pick(random, (0.3, 0.7)))
    if random.random() < 0.5:
        part[: cut + 1] = 0
    else:
        part[cut:] = 0


def _around(random: np.random.Generator, part: Bytes, mask: Bytes, scale: float) -> None:
    """Draw a polygon around a defect into a mask."""
    reach = max(1, round(pick(random, (1, 3, 5, 9)) * scale))
    grown = cv2.dilate(part, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)))
    outlines, _ = cv2.findContours(grown, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    for outline in outlines:
        corners = cv2.approxPolyDP(outline, max(1.0, pick(random, (1, 2.5, 5)) * scale), True)[:, 0]
        if len(corners) < 3:
            corners = outline[:, 0]
        slip = max(1, round(1.5 * scale))
        moved = corners + random.integers(-slip, slip + 1, corners.shape)
        cv2.fillPoly(mask, [moved.astype(np.int32)], 1)


def _doubtful(random: np.random.Generator, mask: Bytes, scale: float) -> None:
    """Draw a polygon where there is no defect."""
    height, width = mask.shape
    tall, wide = pick(random, (20, 60, 250)) * scale, pick(random, (12, 25, 60)) * scale
    top, left = random.random() * max(1.0, height - tall), random.random() * max(1.0, width - wide)
    box = np.array([[left, top], [left + wide, top], [left + wide, top + tall], [left, top + tall]])
    slip = (random.random((_CORNERS, 2)) - 0.5) * 0.3 * min(tall, wide)
    cv2.fillPoly(mask, [np.rint(box + slip).astype(np.int32)], 1)
