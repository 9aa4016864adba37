"""Index masks: `images/`, `masks/` with one PNG an image, and `classes.txt`. Where two classes share a pixel it shows the
later one, since a mask has one index a pixel. 255 is what is not to be judged."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np

from steelsight.dataset.layouts.index_png import IGNORED_INDEX, IMAGES, MASKS
from steelsight.dataset.writers.labelled import Labelled, files_written
from steelsight.imaging.rle import decode_runs


def write_index_png(folder: Path, classes: Sequence[str], images: Iterable[Labelled]) -> None:
    """Write a dataset into an empty folder."""
    (folder / "classes.txt").write_text("".join(f"{name}\n" for name in classes), encoding="utf-8", newline="\n")
    masks = folder / MASKS
    masks.mkdir()
    for image in files_written(folder / IMAGES, images):
        mask = np.zeros(image.size, np.uint8)
        for index, runs in enumerate(image.masks, start=1):
            mask[decode_runs(runs, image.size)] = index
        mask[decode_runs(image.ignored, image.size)] = IGNORED_INDEX
        (masks / f"{Path(image.name).stem}.png").write_bytes(cv2.imencode(".png", mask)[1].tobytes())
