"""YOLO: `data.yaml`, `images/train/` and `labels/train/` with a polygon a line for each connected part of a mask.

A polygon of YOLO has no holes; each is joined to the edge by a cut without width, so that it stays open. Programs that
draw the edge of a polygon as well as its inside fill such a cut by a pixel.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from steelsight.dataset.layouts.yolo import IMAGES, label_files
from steelsight.dataset.writers.labelled import Labelled, files_written
from steelsight.imaging.outlines import one_ring, outlines
from steelsight.imaging.rle import decode_runs

PLACE = f"{IMAGES}/train"
"""Where its images lie."""


def write_yolo(folder: Path, classes: Sequence[str], images: Iterable[Labelled]) -> None:
    """Write a dataset into an empty folder."""
    for image in files_written(folder / PLACE, images):
        file = label_files(folder / PLACE / image.name, folder)[0]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(_lines(image)), encoding="utf-8", newline="\n")
    names = "".join(f"  {number}: {json.dumps(name, ensure_ascii=False)}\n" for number, name in enumerate(classes))
    text = f"path: .\ntrain: {PLACE}\nval: {PLACE}\nnames:\n{names}"
    (folder / "data.yaml").write_text(text, encoding="utf-8", newline="\n")


def _lines(image: Labelled) -> Iterable[str]:
    sides = np.array([image.size[1], image.size[0]])
    for number, runs in enumerate(image.masks):
        if runs.area:
            for outline in outlines(decode_runs(runs, image.size)):
                shares = (one_ring(outline) / sides).ravel().tolist()
                yield f"{number} {' '.join(f'{share:.8f}'.rstrip('0').rstrip('.') for share in shares)}\n"
