"""Severstal's layout: `train.csv` with a row for each (image, class) that shows a defect, and `train_images/`."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from steelsight.dataset.writers.labelled import Labelled, files_written
from steelsight.imaging.rle import format_runs


def write_severstal(folder: Path, classes: Sequence[str], images: Iterable[Labelled]) -> None:
    """Write a dataset into an empty folder; class names must be whole numbers from 1, since the layout has no others."""
    with (folder / "train.csv").open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(("ImageId", "ClassId", "EncodedPixels"))
        for image in files_written(folder / "train_images", images):
            for name, runs in zip(classes, image.masks, strict=True):
                if runs.area:
                    table.writerow((image.name, name, format_runs(runs)))
