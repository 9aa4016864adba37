"""The mask of one COCO annotation, held against the box and the area that the same annotation states."""

from typing import Any

import numpy as np
from pydantic import BaseModel, TypeAdapter, ValidationError

from steelsight.dataset.layouts.coco_file import CocoAnnotation
from steelsight.dataset.layouts.listing import Boxes, Size, union
from steelsight.dataset.layouts.polygon import AnnotationError, checked_polygon
from steelsight.dataset.layouts.shapes import rectangle
from steelsight.imaging.rle import Runs, from_coco_counts

_LOOSE = (
    0.25  # of its side, by which the edge of a box may lie elsewhere: boxes that were turned with the image are loose
)
_SLACK = 3.0  # pixels by which it always may: boxes count from 0 or 1, to the last pixel or behind it
_TIMES = 2.0  # by which an area may differ: drawn as an outline, with holes or without
_FEW = 16  # pixels by which it always may


class _Counts(BaseModel):
    """Run lengths: a list, or a string where they are compressed; size is height, width."""

    size: tuple[int, int]
    counts: list[int] | str


_POLYGONS = TypeAdapter(list[list[float]])
_BOX = TypeAdapter(tuple[float, float, float, float])


def is_box(annotation: CocoAnnotation) -> bool:
    """Whether an annotation has a box and no mask."""
    return not annotation.segmentation and _box(annotation.bbox) is not None


def annotation_runs(annotation: CocoAnnotation, size: Size, *, boxes: Boxes | None = None) -> Runs:
    """The mask of an annotation, at least one pixel; with `boxes` as masks that of its box, where it has none.

    Raises:
        AnnotationError: it has none, an odd one, an empty one, or one that its own box or area contradicts.
        RunError: its run lengths do not fit the image.
    """
    box = _box(annotation.bbox)
    if boxes == "as-masks" and box is not None and not annotation.segmentation:
        left, top, width, height = box
        return rectangle(left, top, left + width, top + height)(size)
    runs = _runs(annotation.segmentation, size)
    if not runs.area:
        raise AnnotationError("empty-mask", "no pixel in its mask; remove it or draw it again")
    _hold_against_box(annotation.bbox, runs, size)
    _hold_against_area(annotation, runs)
    return runs


def _runs(segmentation: Any, size: Size) -> Runs:
    if not segmentation:
        raise AnnotationError(
            "missing-mask",
            "no segmentation; a box alone says nothing about pixels, draw the mask, or let boxes count by "
            "`boxes=as-masks` or `boxes=as-labels`",
        )
    if isinstance(segmentation, dict):
        try:
            counts = _Counts.model_validate(segmentation)
        except ValidationError:
            raise AnnotationError(
                "run-not-a-number", "run lengths have a size (height, width) and counts; export it again"
            ) from None
        if counts.size != size:
            raise AnnotationError(
                "wrong-size", f"run lengths of {counts.size}, but the image is {size} (height, width)"
            )
        return from_coco_counts(counts.counts, size)
    try:
        polygons = _POLYGONS.validate_python(segmentation)
    except (ValidationError, RecursionError):
        raise AnnotationError("bad-polygon", _odd(segmentation)) from None
    return union([_polygon(numbers, size) for numbers in polygons], size)


def _odd(segmentation: Any) -> str:
    """What a segmentation is that is no list of polygons."""
    right = "it must be a list of polygons, each a list of numbers: [[x1, y1, x2, y2, ...]]"
    if not isinstance(segmentation, list):
        return f"a segmentation that is neither a list nor run lengths; {right}"
    if all(isinstance(one, int | float) for one in segmentation):
        return f"a segmentation of bare numbers; {right}"
    if any(isinstance(one, list) and any(isinstance(point, list) for point in one) for one in segmentation):
        return f"a polygon of pairs of numbers; {right}"
    return f"a segmentation with something that is no number; {right}"


def _polygon(numbers: list[float], size: Size) -> Runs:
    if len(numbers) % 2 or len(numbers) < 6:
        raise AnnotationError(
            "bad-polygon", f"a polygon of {len(numbers)} numbers; give x and y of at least three corners"
        )
    return checked_polygon(np.array(numbers, np.float64).reshape(-1, 2), size)


def _hold_against_box(stated: Any, runs: Runs, size: Size) -> None:
    box = _box(stated)
    if box is None:
        return
    left, top, width, height = box
    found = _edges(runs, size[0])
    slack = [max(_SLACK, _LOOSE * max(side, b - a)) for side, (a, b) in zip((width, height), found, strict=True)]
    edges = ((left, left + width), (top, top + height))
    if any(
        abs(said - seen) > room
        for pair, of, room in zip(edges, found, slack, strict=True)
        for said, seen in zip(pair, of, strict=True)
    ):
        (x0, x1), (y0, y1) = found
        raise AnnotationError(
            "contradiction",
            f"bbox says x {left:g} to {left + width:g}, y {top:g} to {top + height:g}, and its mask lies at x {x0} to {x1}, "
            f"y {y0} to {y1}; one of the two is wrong, see which and mend it (a bbox is left, top, width, height)",
        )


def _hold_against_area(annotation: CocoAnnotation, runs: Runs) -> None:
    stated, box = annotation.area, _box(annotation.bbox)
    if isinstance(stated, bool) or not isinstance(stated, int | float) or not 0 < stated < np.inf:
        return
    if box is not None and abs(stated - box[2] * box[3]) <= 0.02 * stated + 1:
        return  # some tools state the area of the box
    low, high = sorted((float(stated), float(runs.area)))
    if high > _TIMES * low + _FEW:
        raise AnnotationError(
            "contradiction",
            f"area says {stated:g} pixels, and its mask has {runs.area}; one of the two is wrong, see which and mend it",
        )


def _box(stated: Any) -> tuple[float, float, float, float] | None:
    """Left, top, width and height; None where nothing useful is stated."""
    try:
        box = _BOX.validate_python(stated)
    except ValidationError:
        return None
    return box if np.isfinite(box).all() and box[2] > 0 and box[3] > 0 else None


def _edges(runs: Runs, height: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """First column and the one behind the last, and the same of rows, of runs that go down the columns."""
    last = runs.ends - 1
    columns = (int(runs.starts[0] // height), int(last[-1] // height) + 1)
    if (runs.starts // height != last // height).any():  # it goes on at the top of the next column
        return columns, (0, height)
    return columns, (int((runs.starts % height).min()), int((last % height).max()) + 1)
