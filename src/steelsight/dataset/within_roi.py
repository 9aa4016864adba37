"""Labelled images of which only a region of interest counts: the rest is ignored."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from steelsight.core.errors import UserError
from steelsight.dataset.layouts.listing import difference
from steelsight.dataset.model import Sample
from steelsight.imaging.read import read_image
from steelsight.imaging.rle import encode_mask
from steelsight.imaging.roi import Roi, RoiError

Progress = Callable[[int, int], None]


def within(
    samples: Sequence[Sample], roi: Roi | None, *, grey: bool, progress: Progress | None = None
) -> tuple[Sample, ...]:
    """The samples with everything outside of the region ignored.

    Args:
        roi: None leaves them as they are.
        grey: whether the networks see grey alone, and images are read so.
        progress: called with images done and in all.

    Raises:
        ImageError: an image has gone since it was read.
        UserError: the region does not fit an image.
    """
    if roi is None:
        return tuple(samples)
    return tuple(_each(samples, roi, grey, progress))


def _each(samples: Sequence[Sample], roi: Roi, grey: bool, progress: Progress | None) -> Iterator[Sample]:
    for done, sample in enumerate(samples, start=1):
        # a fixed region depends on the size alone
        image = read_image(sample.path, grey=grey) if roi.strip else np.broadcast_to(np.uint8(0), sample.size)
        try:
            outside = ~roi.counted(image)
        except RoiError as error:
            raise UserError(f"{sample.path}: {error}") from None
        ignored = encode_mask(outside | sample.ignored_mask() if sample.ignored.area else outside)
        runs = tuple(difference(runs, ignored, sample.size) for runs in sample.runs)
        yield replace(sample, runs=runs, ignored=ignored)
        if progress:
            progress(done, len(samples))


def say_outside(before: Sequence[Sample], after: Sequence[Sample], roi: Roi | None) -> tuple[str, ...]:
    """What a region of interest takes away, in one sentence; none without one."""
    if roi is None:
        return ()
    pairs = list(zip(before, after, strict=True))
    whole = sum(sample.size[0] * sample.size[1] for sample in after)
    left = 100 - 100 * sum(sample.ignored.area for sample in after) / max(whole, 1)
    lost = sum(one.is_defective and not other.is_defective for one, other in pairs)
    more = f"; {lost} images had their defects outside of it alone and count as good" if lost else ""
    return (f"region of interest: {roi.text}; {left:.1f} % of all pixels count{more}",)
