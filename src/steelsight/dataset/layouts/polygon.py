"""Polygons as runs, exactly as the COCO API draws them."""

import numpy as np
from numpy.typing import NDArray

from steelsight.imaging.rle import Runs

_SCALE = 5  # the COCO API traces the outline at five times the resolution
_OUTSIDE = 1.0  # pixels by which a hand-drawn corner may miss the image


class AnnotationError(Exception):
    """What is wrong with one annotation; `kind` is the stable word of the fault."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def checked_polygon(points: NDArray[np.float64], size: tuple[int, int]) -> Runs:
    """Fill a polygon that somebody drew, float64 (n, 2), as `polygon_runs` does.

    Raises:
        AnnotationError: fewer than three corners, or one more than a pixel outside of the image.
    """
    if len(points) < 3:
        raise AnnotationError("bad-polygon", f"a polygon of {len(points)} corners; it needs three")
    require_inside(points, size)
    return polygon_runs(points, size)


def require_inside(points: NDArray[np.float64], size: tuple[int, int]) -> None:
    """See that points (n, 2) lie in the image, or miss it by a pixel at most.

    Raises:
        AnnotationError: one does not.
    """
    limit = np.array([size[1], size[0]]) + _OUTSIDE
    inside = ((points >= -_OUTSIDE) & (points <= limit)).all(axis=1)
    if not inside.all():
        far = points[~inside][0]
        raise AnnotationError(
            "polygon-out-of-range", f"corner x {far[0]:g}, y {far[1]:g} lies outside the {size[1]} x {size[0]} image"
        )


def polygon_runs(points: NDArray[np.float64], size: tuple[int, int]) -> Runs:
    """Fill a polygon.

    Source: rleFrPoly of the COCO API (common/maskApi.c); the property test holds this against pycocotools.

    Args:
        points: float64 (n, 2), x and y of the corners in pixels, pixel (0, 0) reaching from 0 to 1; n at least 3.
        size: height and width of the image; what lies outside is cut off.

    >>> polygon_runs(np.array([[1, 0], [3, 0], [3, 2], [1, 2]], float), (2, 4)).starts.tolist()
    [2]
    """
    height, width = size
    outline = _trace((_SCALE * points + 0.5).astype(np.int64))
    before, after = outline[:-1], outline[1:]
    steps = before[:, 0] != after[:, 0]  # only steps from column to column bound a run
    before, after = before[steps], after[steps]
    x = (np.where(after[:, 0] < before[:, 0], after[:, 0], after[:, 0] - 1) + 0.5) / _SCALE - 0.5
    y = np.ceil(np.clip((np.minimum(after[:, 1], before[:, 1]) + 0.5) / _SCALE - 0.5, 0, height))
    inside = (np.floor(x) == x) & (x >= 0) & (x <= width - 1)
    bounds = np.sort((x[inside] * height + y[inside]).astype(np.int64))
    if bounds.size % 2:
        bounds = np.append(bounds, height * width)
    edges, count = np.unique(bounds, return_counts=True)
    edges = edges[count % 2 == 1]  # a bound met twice ends a run where the next begins
    return Runs(edges[::2], edges[1::2] - edges[::2])


def _trace(corners: NDArray[np.int64]) -> NDArray[np.int64]:
    """Every grid point on the closed outline, in order: int64 (m, 2)."""
    parts = [_edge(a, b) for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True)]
    return np.concatenate(parts)


def _edge(start: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.int64]:
    """Grid points from one corner to the next, one for each step along the longer axis."""
    extent = np.abs(end - start)
    long = 0 if extent[0] >= extent[1] else 1
    first, last = (end, start) if start[long] > end[long] else (start, end)
    steps = np.arange(extent[long] + 1)
    slope = (last[1 - long] - first[1 - long]) / max(int(extent[long]), 1)
    points = np.empty((steps.size, 2), np.int64)
    points[:, long] = first[long] + steps
    points[:, 1 - long] = (first[1 - long] + slope * steps + 0.5).astype(np.int64)
    return points if first is start else points[::-1]
