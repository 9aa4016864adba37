"""Outlines, boxes, discs, lines and bitmaps that a person drew, as runs; and the marks of an image that consists of them.

Coordinates are those of the image's edge: the first pixel reaches from 0 to 1. What lies more than a pixel outside of the
image is a fault, for it was drawn on another one; a disc may pass over the edge, its centre may not.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steelsight.dataset.layouts.listing import UNNAMED, Boxes, Marks, Size, is_ignored, union, wrong_size
from steelsight.dataset.layouts.polygon import AnnotationError, checked_polygon, polygon_runs, require_inside
from steelsight.dataset.model import Fault
from steelsight.imaging.rle import Runs, encode_mask

Box = tuple[int, int, int, int]
"""Left, top, width and height in pixels."""

_CORNERS = 90  # of a disc: to within a thousandth of its radius


@dataclass(frozen=True)
class Shape:
    """One thing that was drawn.

    Attributes:
        label: what it is called in a message, such as `shape 3 (polygon)`.
        name: of its class.
        draw: its pixels at the image's height and width; raises `AnnotationError`.
        is_box: whether it only says where something is, not which pixels show it.
        line: of the file, where it has lines.
        outline: equal for shapes that were drawn alike; None where it is not compared.
    """

    label: str
    name: str
    draw: Callable[[Size], Runs]
    is_box: bool = False
    line: int | None = None
    outline: Hashable = None


def shape_marks(
    image_id: str,
    file: Path,
    shapes: Sequence[Shape],
    size: Size,
    *,
    boxes: Boxes | None = None,
    ignore: frozenset[str] = frozenset(),
    stated: Size | None = None,
    shown: frozenset[str] = frozenset(),
    line: int | None = None,
) -> Marks:
    """The marks of an image on which shapes were drawn; those of one class are joined.

    Args:
        boxes: what a box counts as; a fault where None. A box around what is not to be judged says all that is needed.
        ignore: names that mean that, beside those that say it themselves.
        stated: height and width that the file says, which must be the image's.
        shown: classes that the file says of the image as a whole, or `UNNAMED`. Of a class that is drawn nothing is left to
            be found, nor of a defect without a name once one has been drawn.
    """
    if stated is not None and stated != size:
        return Marks({}, (wrong_size(image_id, file, line, stated, size),))
    parts: defaultdict[str, list[Runs]] = defaultdict(list)
    faults = _boxes(image_id, file, [shape for shape in shapes if _needs_outline(shape, ignore)], boxes)
    boxed: set[str] = set()
    for shape in shapes:
        if _needs_outline(shape, ignore) and boxes != "as-masks":
            boxed.add(shape.name)
            continue
        try:
            runs = shape.draw(size)
            if not runs.area:
                raise AnnotationError("empty-mask", "no pixel in it; remove it or draw it again")
        except AnnotationError as error:
            message = f"{shape.label}: {error}"
            faults.append(Fault(error.kind, file, shape.line or line, image_id, message))
            continue
        parts[shape.name].append(runs)
    if faults:
        return Marks({}, tuple(faults), file, line, frozenset(), _doubled(shapes))
    masks = {name: union(runs, size) for name, runs in parts.items()}
    drawn = {name for name in masks if not is_ignored(name, ignore)}
    answered = drawn | {UNNAMED} if drawn or boxed else drawn
    return Marks(masks, (), file, line, frozenset(boxed | (shown - answered)), _doubled(shapes))


def polygon(points: Sequence[tuple[float, float]]) -> Callable[[Size], Runs]:
    """Draws a polygon of x and y."""
    return lambda size: checked_polygon(np.array(points, np.float64).reshape(-1, 2), size)


def rectangle(x0: float, y0: float, x1: float, y1: float) -> Callable[[Size], Runs]:
    """Draws an upright rectangle between two of its corners, given in any order."""
    left, right = sorted((x0, x1))
    top, bottom = sorted((y0, y1))
    return polygon([(left, top), (right, top), (right, bottom), (left, bottom)])


def turned_rectangle(
    centre: tuple[float, float], width: float, height: float, degrees: float
) -> list[tuple[float, float]]:
    """The corners of a rectangle turned clockwise about its centre."""
    corners = np.array([(-width, -height), (width, -height), (width, height), (-width, height)]) / 2
    turned = _turned(corners, degrees) + np.array(centre)
    return [(float(x), float(y)) for x, y in turned]


def ellipse(centre: tuple[float, float], radii: tuple[float, float], degrees: float = 0.0) -> Callable[[Size], Runs]:
    """Draws an ellipse, turned clockwise about its centre; it is cut off at the image's edge."""

    def draw(size: Size) -> Runs:
        require_inside(np.array([centre], np.float64), size)
        if not np.isfinite(radii).all() or min(radii) < 0:
            raise AnnotationError("bad-polygon", f"radii {radii[0]:g} and {radii[1]:g}; draw it again")
        angles = np.arange(_CORNERS) * (2 * np.pi / _CORNERS)
        points = _turned(np.stack([np.cos(angles) * radii[0], np.sin(angles) * radii[1]], axis=1), degrees)
        return polygon_runs(points + np.array(centre), size)

    return draw


def thick_line(points: Sequence[tuple[float, float]], width: float) -> Callable[[Size], Runs]:
    """Draws a line through points, so many pixels wide; its bends are round, its ends are cut off straight."""

    def draw(size: Size) -> Runs:
        corners = np.array(points, np.float64).reshape(-1, 2)
        if len(corners) < 2:
            raise AnnotationError("bad-polygon", f"a line of {len(corners)} points; it needs two")
        require_inside(corners, size)
        mask = np.zeros(size, np.bool_)
        for place, (start, end) in enumerate(pairwise(corners)):
            ends = (place == 0, place == len(corners) - 2)
            _draw_stroke(mask, start, end, max(width, 1.0) / 2, ends)
        return encode_mask(mask)

    return draw


def _draw_stroke(
    mask: NDArray[np.bool_],
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    reach: float,
    ends: tuple[bool, bool],
) -> None:
    """Mark the pixels whose centres are within reach of a line, and at an end not beyond it."""
    low = np.maximum(np.floor(np.minimum(start, end) - reach).astype(int), 0)
    high = np.ceil(np.maximum(start, end) + reach).astype(int)
    part = mask[low[1] : high[1], low[0] : high[0]]
    y, x = np.indices(part.shape) + 0.5
    across, down = end - start
    x, y = x + low[0] - start[0], y + low[1] - start[1]
    share = (x * across + y * down) / max(across**2 + down**2, 1e-12)
    along = np.clip(share, 0, 1)
    beyond = (share < 0) & ends[0] | (share > 1) & ends[1]
    part |= (np.hypot(x - along * across, y - along * down) <= reach) & ~beyond


def bitmap(box: Box, unpack: Callable[[], NDArray[np.bool_]]) -> Callable[[Size], Runs]:
    """Draws a bitmap.

    Args:
        unpack: gives it, bool (height, width) as the box has them; called only where the box lies inside the image, so that a
            small file cannot stand for more pixels than the image has.
    """
    left, top, width, height = box

    def draw(size: Size) -> Runs:
        if min(left, top) < 0 or min(width, height) < 1 or left + width > size[1] or top + height > size[0]:
            raise AnnotationError(
                "polygon-out-of-range",
                f"a bitmap from x {left} to {left + width}, y {top} to {top + height} lies outside the "
                f"{size[1]} x {size[0]} image",
            )
        whole = np.zeros(size, np.bool_)
        whole[top : top + height, left : left + width] = unpack()
        return encode_mask(whole)

    return draw


def _turned(points: NDArray[np.float64], degrees: float) -> NDArray[np.float64]:
    """Points turned clockwise, as one sees it on a picture whose y goes down."""
    angle = np.deg2rad(degrees)
    matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    turned: NDArray[np.float64] = points @ matrix
    return turned


def _boxes(image_id: str, file: Path, shapes: Sequence[Shape], boxes: Boxes | None) -> list[Fault]:
    if not shapes or boxes is not None:
        return []
    first, more = shapes[0], f" and {len(shapes) - 1} more" if len(shapes) > 1 else ""
    message = (
        f"{first.label}{more}: a box alone says nothing about pixels; draw the outline, or let boxes count as masks by "
        "`boxes=as-masks`, or as what the image shows, somewhere, by `boxes=as-labels`"
    )
    return [Fault("missing-mask", file, first.line, image_id, message)]


def _needs_outline(shape: Shape, ignore: frozenset[str]) -> bool:
    return shape.is_box and not is_ignored(shape.name, ignore)


def _doubled(shapes: Sequence[Shape]) -> tuple[str, ...]:
    """Outlines with two classes: a surface may show both, or somebody corrected a label and left the wrong one in place."""
    known: dict[Hashable, Shape] = {}
    said = []
    for shape in shapes:
        other = known.setdefault(shape.outline, shape) if shape.outline is not None else shape
        if other.name != shape.name:
            said.append(f"{shape.label} of class {shape.name} on {other.label} of class {other.name}")
    return tuple(said)
