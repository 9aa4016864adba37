"""COCO: `annotations.json` with uncompressed run lengths, one annotation for each (image, class), and `images/`."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from steelsight.dataset.writers.labelled import Labelled, files_written
from steelsight.imaging.rle import Runs, decode_runs, to_coco_counts


def write_coco(folder: Path, classes: Sequence[str], images: Iterable[Labelled]) -> None:
    """Write a dataset into an empty folder."""
    entries = ((image.name, image.size, image.masks) for image in files_written(folder / "images", images))
    (folder / "annotations.json").write_text(coco_json(classes, entries), encoding="utf-8", newline="\n")


def coco_json(classes: Sequence[str], images: Iterable[tuple[str, tuple[int, int], Sequence[Runs]]]) -> str:
    """The JSON of images.

    Args:
        images: name, height and width, and the mask of each class.
    """
    entries: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, (name, (height, width), masks) in enumerate(images, start=1):
        entries.append({"id": number, "file_name": name, "width": width, "height": height})
        for category, runs in enumerate(masks, start=1):
            if runs.area:
                annotation = {"id": len(annotations) + 1, "image_id": number, "category_id": category}
                annotations.append(annotation | _marked(runs, (height, width)))
    categories = [{"id": category, "name": name} for category, name in enumerate(classes, start=1)]
    return json.dumps({"images": entries, "annotations": annotations, "categories": categories}) + "\n"


def _marked(runs: Runs, size: tuple[int, int]) -> dict[str, Any]:
    mask = decode_runs(runs, size)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    box = [left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1]
    segmentation = {"size": list(size), "counts": to_coco_counts(runs, size)}
    return {"segmentation": segmentation, "area": runs.area, "bbox": box, "iscrowd": 0}
