"""CVAT for images 1.1: `annotations.xml` with a brush mask for each connected part of a mask, and `images/`."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray

from steelsight.core.safe_names import told_apart
from steelsight.dataset.writers.labelled import Labelled, files_written
from steelsight.imaging.outlines import Outline, outlines
from steelsight.imaging.rle import Runs, decode_runs

PLACE = "images"
"""Where its images lie."""

_REFUSED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML 1.0 has no way to write."""


def write_cvat(folder: Path, classes: Sequence[str], images: Iterable[Labelled]) -> None:
    """Write a dataset into an empty folder."""
    entries = ((image.name, image.size, image.masks) for image in files_written(folder / PLACE, images))
    with (folder / "annotations.xml").open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(cvat_xml(classes, entries))


def cvat_xml(classes: Sequence[str], images: Iterable[tuple[str, tuple[int, int], Sequence[Runs]]]) -> Iterator[str]:
    """The lines of the XML.

    Args:
        images: name, height and width, and the mask of each class. A name that XML cannot hold stands as in all tables.
    """
    yield '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n  <meta>\n    <task>\n'
    yield "      <labels>\n"
    for name in classes:
        yield f"        <label><name>{escape(name)}</name><type>any</type><attributes></attributes></label>\n"
    yield "      </labels>\n    </task>\n  </meta>\n"
    for number, (name, (height, width), masks) in enumerate(images):
        held = told_apart(name) if _REFUSED.search(name) else name
        yield f'  <image id="{number}" name={quoteattr(held)} width="{width}" height="{height}">\n'
        for label, runs in zip(classes, masks, strict=True):
            if runs.area:
                for outline in outlines(decode_runs(runs, (height, width))):
                    yield _mask(label, outline)
        yield "  </image>\n"
    yield "</annotations>\n"


def _mask(label: str, outline: Outline) -> str:
    left, top = outline.corner
    height, width = outline.pixels.shape
    counts = ", ".join(map(str, _counts(outline.pixels)))
    return (
        f'    <mask label={quoteattr(label)} source="auto" occluded="0" rle="{counts}" left="{left}" top="{top}" '
        f'width="{width}" height="{height}" z_order="0"></mask>\n'
    )


def _counts(pixels: NDArray[np.bool_]) -> list[int]:
    """Run lengths along the rows, the unset pixels first."""
    flat = pixels.ravel()
    bounds = [0, *(np.flatnonzero(flat[1:] != flat[:-1]) + 1).tolist(), flat.size]
    counts = np.diff(bounds).tolist()
    return [0, *counts] if flat[0] else counts
