"""labelme: a JSON beside each image, with a polygon for each connected part of a mask; a part with holes is a bitmap, since a
polygon of labelme has none."""

import base64
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from steelsight.dataset.writers.labelled import Labelled, files_written
from steelsight.imaging.outlines import Outline, outlines
from steelsight.imaging.rle import Runs, decode_runs

_VERSION = "5.4.1"  # of labelme, whose files have bitmaps since 5.2


def write_labelme(folder: Path, classes: Sequence[str], images: Iterable[Labelled]) -> None:
    """Write a dataset into an empty folder; an image of which only its classes are known gets no JSON."""
    for image in files_written(folder, images):
        if image.is_drawn:
            path = folder / image.name
            text = labelme_json(path.name, image.size, classes, image.masks)
            path.with_suffix(".json").write_text(text, encoding="utf-8", newline="\n")


def labelme_json(image: str, size: tuple[int, int], classes: Sequence[str], masks: Sequence[Runs]) -> str:
    """The JSON of one image.

    Args:
        image: its path, from the folder of the JSON.
        size: height and width in pixels.
    """
    shapes = [
        _shape(name, outline)
        for name, runs in zip(classes, masks, strict=True)
        if runs.area
        for outline in outlines(decode_runs(runs, size))
    ]
    content: dict[str, Any] = {
        "version": _VERSION,
        "flags": {},
        "shapes": shapes,
        "imagePath": image,
        "imageData": None,
        "imageHeight": size[0],
        "imageWidth": size[1],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _shape(name: str, outline: Outline) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "label": name,
        "points": outline.outer.astype(float).tolist(),
        "group_id": None,
        "description": "",
        "shape_type": "polygon",
        "flags": {},
        "mask": None,
    }
    if not outline.holes:
        return shape
    left, top = outline.corner
    height, width = outline.pixels.shape
    png = cv2.imencode(".png", outline.pixels.astype(np.uint8) * 255)[1].tobytes()
    corners = [[float(left), float(top)], [float(left + width - 1), float(top + height - 1)]]
    return shape | {"points": corners, "shape_type": "mask", "mask": base64.b64encode(png).decode("ascii")}
