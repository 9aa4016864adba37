"""Where the strip ends within an image: the black margins beside it, found from the pixels alone.

A margin lies along a whole side of the image, is much darker than the strip, and ends in a straight line. For each row the
dark pixels from the side on are counted; a line is fitted to the counts (Huber's loss, so that a dark defect at the edge or
a speck of light beside it does not turn it). What is dark and lies before the line is margin: a defect that is dark and
reaches the edge stays on the strip.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from steelsight.imaging.preprocess import Image

_DARK = 0.16  # of the strip's light: a margin is darker than this part of the brightest pixels
_DARKEST, _LIGHTEST = 6.0, 30.0  # of 255, between which the limit of what is dark stays
_LEAST_LIGHT = 24.0  # of 255: on a darker image nothing tells a margin from the strip
_ROWS = 0.9  # of the rows of a side, that must begin dark
_STRAIGHT = 3.0  # pixels by which half of the rows may end beside the line
_BESIDE = 2  # pixels beyond the line that are margin where they are dark: an edge is not cut with a knife
_WINDOW = 15  # rows over which the counts are smoothed by their median
_LEAST_STRIP = 0.02  # of the image
_SAMPLED = 4  # every so many rows and columns say how bright an image is


def strip_mask(image: Image) -> NDArray[np.bool_]:
    """The pixels of the strip: bool (H, W), all of them where no margin is found.

    Args:
        image: (H, W) or (H, W, 3), 8 or 16 bit.

    >>> image = np.full((64, 200), 90, np.uint8)
    >>> image[:, :40] = 3
    >>> mask = strip_mask(image)
    >>> int(mask[:, :38].sum()), bool(mask[:, 43:].all())
    (0, True)
    """
    grey = _grey(image)
    light = float(np.quantile(grey[::_SAMPLED, ::_SAMPLED], 0.99))
    if light < _LEAST_LIGHT:
        return np.ones(grey.shape, np.bool_)
    limit = min(max(_DARK * light, _DARKEST), _LIGHTEST)
    strip = np.ones(grey.shape, np.bool_)
    for along, of in ((strip, grey), (strip.T, grey.T)):
        dark: NDArray[np.bool_] = cv2.blur(np.ascontiguousarray(of), (3, 5)) <= limit
        for view, part in ((along, dark), (along[:, ::-1], dark[:, ::-1])):
            edge = _edge(part)
            if edge is not None:
                view &= np.arange(part.shape[1])[None, :] >= edge[:, None]
    return strip if strip.mean() >= _LEAST_STRIP else np.ones(grey.shape, np.bool_)


def _edge(dark: NDArray[np.bool_]) -> NDArray[np.int64] | None:
    """For each row the first column behind the margin on the left; None where there is none."""
    rows, columns = dark.shape
    is_all = dark.all(axis=1)
    count = np.where(is_all, columns, np.argmin(dark, axis=1))
    if is_all.all() or (count > 0).mean() < _ROWS:
        return None
    known = np.flatnonzero(~is_all)
    points = np.stack([known, count[known]], axis=1).astype(np.float32)
    across, along, x, y = (float(value) for value in np.ravel(cv2.fitLine(points, cv2.DIST_HUBER, 0, 0.01, 0.01)))
    if abs(across) < abs(along):  # it does not run along this side
        return None
    line = y + (np.arange(rows) - x) * along / across
    if np.median(np.abs(count[known] - line[known])) > _STRAIGHT:
        return None
    smooth = _median(count, min(_WINDOW, rows - 1 + rows % 2))
    edge: NDArray[np.int64] = np.clip(np.minimum(smooth, np.rint(line) + _BESIDE), 0, columns).astype(np.int64)
    return edge


def _median(counts: NDArray[np.int64], window: int) -> NDArray[np.int64]:
    padded = np.pad(counts, window // 2, mode="edge")
    medians: NDArray[np.int64] = np.median(np.lib.stride_tricks.sliding_window_view(padded, window), axis=1).astype(
        np.int64
    )
    return medians


def _grey(image: Image) -> NDArray[np.uint8]:
    """In 8 bit; of 16 the upper ones that the image uses."""
    pixels: Any = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    if image.dtype == np.uint16:
        pixels = pixels >> max(0, int(pixels.max()).bit_length() - 8)
    return np.asarray(pixels, np.uint8)
