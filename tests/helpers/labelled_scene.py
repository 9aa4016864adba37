"""A made-up image with a mask of two classes, one with a hole, one thin and bent: what every layout of labels must hold."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from steelsight.dataset.model import Dataset
from steelsight.imaging.rle import decode_runs

SIZE = (48, 64)
PIT, SCRATCH = "pit", "scratch"


def pit() -> NDArray[np.bool_]:
    """A disc with a hole, and a single pixel in a corner."""
    mask = np.zeros(SIZE, np.uint8)
    cv2.circle(mask, (18, 22), 11, 1, -1)
    cv2.circle(mask, (18, 22), 4, 0, -1)
    mask[-1, 0] = 1
    return mask > 0


def scratch() -> NDArray[np.bool_]:
    """A thin line with a bridge of one pixel between two spots."""
    mask = np.zeros(SIZE, np.uint8)
    mask[30, 34:60] = 1
    cv2.circle(mask, (36, 30), 3, 1, -1)
    cv2.circle(mask, (57, 30), 4, 1, -1)
    return mask > 0


def picture(path: Path, seed: int = 1) -> Path:
    """A grey image with some texture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(60, 120, SIZE, np.uint8)
    path.write_bytes(cv2.imencode(path.suffix, pixels)[1].tobytes())
    return path


def mask_of(dataset: Dataset, image_id: str, name: str) -> NDArray[np.bool_]:
    """The mask of a class in an image of a dataset."""
    sample = next(one for one in dataset.samples if one.image_id == image_id)
    return decode_runs(sample.runs[dataset.classes.index(name)], sample.size)


def difference(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> int:
    """Pixels by which two masks differ beyond the pixels beside an edge: 0 where they are the same to within one pixel."""
    square: Any = np.ones((3, 3), np.uint8)
    grown = [cv2.dilate(mask.astype(np.uint8), square) > 0 for mask in (one, other)]
    return int((one & ~grown[1]).sum() + (other & ~grown[0]).sum())
