"""Connected defects, annotated and marked, held against each other: which were found, and which marks touch none."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from steelsight.imaging.rle import Runs, decode_runs

_NONE = np.zeros((0, 2), np.int64)


class Matched(NamedTuple):
    """The connected defects of one class on one image.

    Attributes:
        annotated: int64 (n, 2): pixels of each annotated defect, and how many of them are marked as its class.
        marked: int64 (m, 2): pixels of each marked region, and how many of them are annotated as its class.
    """

    annotated: NDArray[np.int64]
    marked: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Defects:
    """The connected defects of many images.

    Attributes:
        annotated, marked: int64 (n, 4): position of the image, place of the class, and the two columns of `Matched`.
    """

    annotated: NDArray[np.int64]
    marked: NDArray[np.int64]

    @classmethod
    def gather(cls, images: Iterable[Sequence[Matched]]) -> "Defects":
        """Of the classes of each image, in order.

        >>> one = Matched(np.array([[9, 3]]), np.array([[4, 3]]))
        >>> Defects.gather([[one], [one]]).annotated.tolist()
        [[0, 0, 9, 3], [1, 0, 9, 3]]
        """
        annotated, marked = [np.zeros((0, 4), np.int64)], [np.zeros((0, 4), np.int64)]
        for image, classes in enumerate(images):
            for place, matched in enumerate(classes):
                for rows, into in ((matched.annotated, annotated), (matched.marked, marked)):
                    if len(rows):
                        into.append(np.column_stack([np.full((len(rows), 2), (image, place)), rows]))
        return cls(np.concatenate(annotated), np.concatenate(marked))

    @property
    def found(self) -> NDArray[np.bool_]:
        """Whether any pixel of each annotated defect is marked as its class."""
        return np.asarray(self.annotated[:, 3] > 0)

    @property
    def half_found(self) -> NDArray[np.bool_]:
        """Whether at least half of its pixels are."""
        return np.asarray(2 * self.annotated[:, 3] >= self.annotated[:, 2])

    @property
    def false(self) -> NDArray[np.bool_]:
        """Whether each marked region is a false alarm: it touches no annotated defect of its class."""
        return np.asarray(self.marked[:, 3] == 0)

    def only(self, images: NDArray[np.intp]) -> "Defects":
        """Of some of the images, which are counted anew in the order given."""
        return Defects(*(_moved(rows, images) for rows in (self.annotated, self.marked)))


def match_planes(truth: NDArray[np.bool_], marked: NDArray[np.bool_]) -> Matched:
    """Hold the masks of one class against each other. Regions are those of `regions.find_regions`: pixels that touch by a
    side or a corner.

    Args:
        truth, marked: bool (H, W), of one shape.

    >>> truth, marked = np.zeros((2, 2, 7), bool)
    >>> truth[0, :4] = marked[1, 3:5] = marked[0, 6] = True
    >>> matched = match_planes(truth, marked)
    >>> matched.annotated.tolist(), matched.marked.tolist()
    ([[4, 0]], [[2, 0], [1, 0]])
    """
    return Matched(_regions(truth, marked), _regions(marked, truth))


def match_runs(truth: Runs, marked: Runs, height: int) -> Matched:
    """As `match_planes`, from run lengths; of the image only the height need be known.

    Args:
        height: rows of the image, at least 1.
    """
    if not truth.area and not marked.area:
        return Matched(_NONE, _NONE)
    both = [runs for runs in (truth, marked) if runs.area]
    first = min(int(runs.starts[0]) for runs in both) // height
    last = (max(int(runs.ends[-1]) for runs in both) - 1) // height
    planes = (decode_runs(Runs(runs.starts - first * height, runs.lengths), (height, last - first + 1))
              for runs in (truth, marked))  # fmt: skip
    return match_planes(*planes)


def label_regions(mask: NDArray[np.bool_]) -> tuple[int, NDArray[np.int32]]:
    """Number of connected regions of a mask, and for each pixel 0 or the number of its region, from 1: int32 (H, W)."""
    count, labels = cv2.connectedComponents(np.ascontiguousarray(mask).view(np.uint8), connectivity=8)
    return count - 1, labels


def _regions(of: NDArray[np.bool_], other: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Pixels of each region of a mask, and how many of them are set in another mask: int64 (n, 2)."""
    left, top, width, height = cv2.boundingRect(np.ascontiguousarray(of).view(np.uint8))
    if not width:
        return _NONE
    inside = (slice(top, top + height), slice(left, left + width))
    count, labels = label_regions(of[inside])
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    shared = np.bincount(labels[other[inside]], minlength=count + 1)
    return np.stack([areas[1:], shared[1:]], axis=1).astype(np.int64)


def _moved(rows: NDArray[np.int64], images: NDArray[np.intp]) -> NDArray[np.int64]:
    order = np.argsort(rows[:, 0], kind="stable")
    of_image = rows[order, 0]
    first, last = (np.searchsorted(of_image, images, side=side) for side in ("left", "right"))
    count = last - first
    chosen = order[np.repeat(first - (np.cumsum(count) - count), count) + np.arange(count.sum())]
    moved: NDArray[np.int64] = rows[chosen]
    moved[:, 0] = np.repeat(np.arange(len(images)), count)
    return moved
