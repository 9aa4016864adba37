"""What a user's folder becomes: one Dataset of Samples, whatever its layout was."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from steelsight.imaging.rle import Runs, decode_runs

Number = TypeVar("Number", bound=np.generic)

Layout = Literal[
    "severstal",
    "index-png",
    "class-folders",
    "coco",
    "labelme",
    "cvat",
    "yolo",
    "voc",
    "label-studio",
    "mvtec",
    "colour-masks",
    "image-labels",
]


UNKNOWN = -1
"""In `Sample.shown`: a defect of no known class."""


@dataclass(frozen=True)
class Sample:
    """One labelled image.

    Attributes:
        image_id: name unique in the dataset, with forward slashes, e.g. `000a4bcdd.jpg` or `MT_Crack/Imgs/exp1_num_3191.jpg`.
        path: the image file.
        size: height and width of the image in pixels.
        runs: the mask of each class, in the order of `Dataset.classes`, at the image's own size.
        shown: indices of classes that the image is said to show, of which nobody drew where; `UNKNOWN` for a defect of which
            nobody said what it is.
        ignored: what is not to be judged: it has no mask, no loss, and no part in any figure.
    """

    image_id: str
    path: Path
    size: tuple[int, int]
    runs: tuple[Runs, ...]
    shown: tuple[int, ...] = ()
    ignored: Runs = field(default_factory=Runs.empty)

    @property
    def classes(self) -> tuple[int, ...]:
        """Indices of the classes with at least one pixel, or that the image is said to show."""
        return tuple(index for index, runs in enumerate(self.runs) if runs.area or index in self.shown)

    @property
    def is_defective(self) -> bool:
        return bool(self.classes or self.shown)

    def mask(self) -> NDArray[np.bool_]:
        """Boolean (classes, height, width) mask."""
        return np.stack([decode_runs(runs, self.size) for runs in self.runs])

    def ignored_mask(self) -> NDArray[np.bool_]:
        """What is ignored, as boolean (height, width)."""
        return decode_runs(self.ignored, self.size)

    def judged(self, planes: NDArray[Number]) -> NDArray[Number]:
        """Maps or masks (classes, height, width) of the image with 0 where it is ignored; the very array if nothing is.

        >>> last_two = Runs(np.array([1]), np.array([2]))
        >>> sample = Sample("a", Path("a.png"), (1, 3), (Runs.empty(),), ignored=last_two)
        >>> sample.judged(np.array([[[7, 8, 9]]])).tolist()
        [[[7, 0, 0]]]
        """
        if not self.ignored.area:
            return planes
        return np.where(self.ignored_mask(), planes.dtype.type(0), planes)


def counted_pixels(samples: Sequence[Sample]) -> NDArray[np.int64] | None:
    """Pixels of each image that are not ignored: int64 (N,); None where nothing is ignored."""
    if not any(sample.ignored.area for sample in samples):
        return None
    return np.array([sample.size[0] * sample.size[1] - sample.ignored.area for sample in samples], np.int64)


@dataclass(frozen=True)
class Fault:
    """Something wrong with what the user brought.

    Attributes:
        kind: short stable word, e.g. `missing-image`, `unreadable-image`, `run-out-of-range`.
        file: the file in which the fault stands.
        line: 1-based line of `file`, where it has lines.
        image_id: the image that must be left out because of it; None when the fault belongs to no single image.
        message: one sentence with value, rule and mend.
    """

    kind: str
    file: Path
    line: int | None
    image_id: str | None
    message: str


@dataclass(frozen=True)
class Remark:
    """Something that a user should know and that is no fault.

    Attributes:
        kind: `left-out` (images that nobody reads), `exif-orientation`, `flat-image`,
            `double-outline` or `bits`.
        file: a folder or a file.
        images: how many images it is about; 0 where nobody can tell.
        message: one sentence.
    """

    kind: str
    file: Path
    images: int
    message: str


@dataclass(frozen=True)
class Depth:
    """What is white in 16-bit images.

    Attributes:
        bits: of the camera: white is 2^bits - 1.
        images: of 16 bit.
        file, largest: the image with the largest value, and that.
        few: how many images alone need so many bits, where they are few; else 0.
        rest: bits that the others need; None where all need the same.
    """

    bits: int
    images: int
    file: Path
    largest: int
    few: int = 0
    rest: int | None = None


@dataclass(frozen=True)
class Dataset:
    """Labelled images with their faults; `samples` leaves out every image that has a fault.

    Attributes:
        without_masks: images without a fault of which it is only known which classes they show. They are no samples: no mask
            can be learned from them, and none held against them.
        ignored_classes: names that are not defect classes: areas with them are ignored.
        notes: what was taken to be so while reading, one sentence each.
        depth: of the images of 16 bit; None where there are none, or images were not decoded.
    """

    root: Path
    layout: Layout
    classes: tuple[str, ...]
    samples: tuple[Sample, ...]
    faults: tuple[Fault, ...]
    notes: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()
    without_masks: tuple[Sample, ...] = ()
    depth: Depth | None = None
    ignored_classes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """One line: the masks of all images would fill a notebook."""
        counts = f"{len(self.samples)} samples, {len(self.without_masks)} without masks, {len(self.faults)} faults"
        return f"<Dataset {str(self.root)!r}, layout {self.layout}, classes {self.classes!r}: {counts}>"

    @property
    def left_out(self) -> tuple[Remark, ...]:
        """What lies in the folder and is not read."""
        return tuple(remark for remark in self.remarks if remark.kind == "left-out")
