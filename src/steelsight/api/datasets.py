"""`steelsight.read_dataset`: a folder of labelled images, read and checked."""

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from steelsight.core.arguments import check_choice, check_names
from steelsight.dataset import read as reading
from steelsight.dataset.depth import with_bits
from steelsight.dataset.layouts.listing import Boxes
from steelsight.dataset.model import Dataset, Layout


def read_dataset(
    folder: str | Path,
    layout: Layout | None = None,
    *,
    boxes: Boxes | None = None,
    bits: int | None = None,
    ignore_class: Sequence[str] = (),
) -> Dataset:
    """Read a folder of labelled images, every image opened and every mask checked against it.

    Args:
        folder: in any of the layouts (docs/data.md); or the CSV, JSON or XML to read if a folder has several.
        layout: detected if left out.
        boxes: what a box without an outline counts as, `as-masks` or `as-labels`; a fault if left out.
        bits: of the camera whose values 16-bit images hold, so that 2^bits - 1 is white; found from all images if left out.
        ignore_class: labels that are not defect classes: areas with them are `sample.ignored`.

    Returns:
        `samples` without any image that has a fault, and `faults`. `sample.mask()` is bool (classes, height, width), and
        `sample.size` (height, width) in pixels.

    Raises:
        UserError: no layout fits, no image shows a defect, or an argument is out of its range.

    >>> from tempfile import TemporaryDirectory
    >>> from steelsight import make_strips
    >>> with TemporaryDirectory() as parent:
    ...     made = make_strips(Path(parent) / "strips", 4, size=(64, 256), defective=1)
    ...     data = read_dataset(Path(parent) / "strips")
    >>> len(data.samples), data.samples[0].size, data.faults
    (4, (64, 256), ())
    """
    if layout is not None:
        check_choice("layout", layout, get_args(Layout))
    if boxes is not None:
        check_choice("boxes", boxes, get_args(Boxes))
    check_names("ignore_class", ignore_class)
    read = reading.read_dataset(Path(folder), layout, boxes=boxes, ignore_class=ignore_class)
    return with_bits(read, bits)
