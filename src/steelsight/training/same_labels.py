"""The labels of a run that goes on: those that it began with, or others since.

A run learns from the labels that it wrote down when it began (RUN/truth.csv). Who mends labels and goes on would believe that
the mended ones count.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np

from steelsight.core.errors import UserError
from steelsight.core.safe_names import is_ignore, shown
from steelsight.dataset.layouts.listing import Boxes
from steelsight.dataset.model import UNKNOWN, Dataset, Sample
from steelsight.dataset.read import Progress, read_dataset
from steelsight.dataset.within_roi import within
from steelsight.imaging.read import ImageError
from steelsight.imaging.rle import Runs, decode_runs
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.record import Record


def check_labels(
    evidence: OutOfFoldPredictions,
    data: Path | Dataset,
    *,
    note: Callable[[str], None] = lambda _: None,
    progress: Progress | None = None,
) -> None:
    """Hold the labels of the images that a run took when it began against those that these have now.

    What it did not take then is no difference: faulty images, and those that a limit or a split by time left out. Of the
    latter it knows how many there were, so that new ones are noticed.

    Args:
        data: the folder of labelled images, or its CSV, JSON or XML; or what was read of it.
        note: told in a sentence where there are no labels that can be read, so that none are compared.
        progress: called with images read and in all.

    Raises:
        UserError: an image has other labels, is new, or is gone.
    """
    found: _Difference | None = None
    unread: list[UserError] = []
    for read in [data] if isinstance(data, Dataset) else _readings(evidence.record, data, progress, unread):
        difference = _compare(evidence, read)
        found = difference if found is None else min(found, difference, key=_Difference.size)
        if not found.size():
            return
    if found is None:
        note(f"the labels are not compared with those that the run in {evidence.run} began with: {unread[0]}")
        return
    root = data.root if isinstance(data, Dataset) else data
    raise UserError(
        f"{root}: not the labels that the run in {evidence.run} began with, and would go on with ({found}); train with "
        "these into another `out=`, or give the data as it was"
    )


@dataclass(frozen=True)
class _Difference:
    """Images by their ids.

    Attributes:
        other: with other labels.
        new: that came since.
        gone: that the run took.
        more: that came since; which ones, a run that did not take all images does not know.
    """

    other: Sequence[str]
    new: Sequence[str]
    gone: Sequence[str]
    more: int

    def size(self) -> int:
        return len(self.other) + len(self.new) + len(self.gone) + self.more

    def __str__(self) -> str:
        kinds = {
            "images with other labels": self.other,
            "new images": self.new,
            "images that are gone": self.gone,
        }
        said = [f"{kind}: {len(names):,}, the first {shown(names[0])}" for kind, names in kinds.items() if names]
        return "; ".join([*said, f"new images: {self.more:,}"] if self.more else said)


def _readings(record: Record, data: Path, progress: Progress | None, unread: list[UserError]) -> Iterator[Dataset]:
    """The data as the run may have read it: boxes are a fault, or count as one thing or another.

    Args:
        unread: is given why the data cannot be read in one of these ways.
    """
    for boxes in (None, *get_args(Boxes)):  # which of them the run has not written down
        try:
            read = _read(record, data, boxes, progress)
        except UserError as error:
            unread.append(error)
            continue
        yield read
        if boxes is None and not any(fault.kind == "missing-mask" for fault in read.faults):
            return


def _read(record: Record, data: Path, boxes: Boxes | None, progress: Progress | None) -> Dataset:
    asked = [name for name in record.ignored_classes if not is_ignore(name)]
    try:
        return read_dataset(data, record.layout, boxes=boxes, ignore_class=asked, decode=False, progress=progress)
    except UserError:
        if not asked:
            raise
        # a label that is no more, perhaps, and that is a difference
        return read_dataset(data, record.layout, boxes=boxes, decode=False, progress=progress)


def _compare(evidence: OutOfFoldPredictions, now: Dataset) -> _Difference:
    record = evidence.record
    began = {sample.image_id: sample for sample in (*record.samples, *record.without_masks, *record.later)}
    found = {sample.image_id: sample for sample in (*now.samples, *now.without_masks)}
    faulty = {fault.image_id for fault in now.faults if fault.kind != "missing-image"}
    grey = evidence.recipe.sees_grey
    other = [
        name
        for name, sample in began.items()
        if (name in found and _differs(sample, found[name], record, now.classes, grey=grey))
        or (name not in found and name in faulty)
    ]
    gone = [name for name in began if name not in found and name not in faulty]
    left_out = {fault.image_id for fault in record.skipped}
    new = [name for name in found if name not in began and name not in left_out]
    if record.images_read is not None:
        not_taken = record.images_read - len(began)
        return _Difference(other, (), gone, max(0, len(new) - not_taken))
    if record.of_images is not None or record.later:
        return _Difference(other, (), gone, 0)
    # a limit above the images with masks left out those without, and runs of before did not say so
    masked = {sample.image_id for sample in now.samples}
    return _Difference(other, new if record.without_masks else [name for name in new if name in masked], gone, 0)


def _differs(before: Sample, now: Sample, record: Record, classes: Sequence[str], *, grey: bool) -> bool:
    if before.size != now.size or _shown(before, record.classes) != _shown(now, classes):
        return True
    if before.shown or _same(before, record.classes, now, classes):
        return False
    if record.roi is None:
        return True
    try:
        (inside,) = within([now], record.roi, grey=grey)
    except ImageError:  # which is about the image, and is told when it is needed
        return False
    return not _same(before, record.classes, inside, classes)


def _shown(sample: Sample, classes: Sequence[str]) -> set[str]:
    return {"" if place == UNKNOWN else classes[place] for place in sample.shown}


def _same(before: Sample, classes: Sequence[str], now: Sample, classes_now: Sequence[str]) -> bool:
    """Whether the same pixels are of each class, by its name, and ignored."""
    drawn = {name: runs for name, runs in zip(classes, before.runs, strict=True) if runs.area}
    drawn_now = {name: runs for name, runs in zip(classes_now, now.runs, strict=True) if runs.area}
    return drawn.keys() == drawn_now.keys() and all(
        _alike(one, other, before.size)
        for one, other in [(before.ignored, now.ignored), *((drawn[name], drawn_now[name]) for name in drawn)]
    )


def _alike(one: Runs, other: Runs, size: tuple[int, int]) -> bool:
    if np.array_equal(one.starts, other.starts) and np.array_equal(one.lengths, other.lengths):
        return True
    # adjacent runs may be written as one
    return one.area == other.area and bool((decode_runs(one, size) == decode_runs(other, size)).all())
