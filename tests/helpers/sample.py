"""The strips that the tests look at: drawn once by the generator, for all files, all workers of xdist and later sessions."""

import fcntl
import hashlib
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from steelsight.core.files import replacing
from steelsight.strips import draw_strip, make_strips

IMAGES, UNLABELLED = 66, 12
SEED, UNLABELLED_SEED = 639, 43
"""A draw of 66 in which classes and brightness are about as in 66 of the competition's; one of 12 that show all classes."""

_ROOT = Path(__file__).resolve().parents[2]
_CACHE = _ROOT / ".pytest_cache" / "strips"
_SOURCES = ("src/steelsight/strips", "src/steelsight/dataset/writers", "src/steelsight/imaging")
_WISH: dict[str, Any] = {"defective": 0.6, "strips_per_coil": 1}


def drawn_sample() -> Path:
    """A folder as the competition's: `train.csv`, 66 strips in `train_images`, 12 others without labels in `test_images`.

    38 of the 66 are defective, and the tenth is the twin of the ninth, as `groups.csv` says. But for it each strip is of a
    coil of its own, so that neighbours in the listing have nothing in common. The folder lies where pytest keeps what
    outlives a session, under a name that changes with the generator; it is only read.
    """
    sample = _CACHE / _version() / "severstal"
    sample.parent.mkdir(parents=True, exist_ok=True)
    with sample.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not sample.is_dir():
            with replacing(sample) as folder:
                _draw(folder)
    return sample


def _draw(folder: Path) -> None:
    make_strips(folder, IMAGES, seed=SEED, workers=os.cpu_count() or 1, **_WISH)
    (folder / "test_images").mkdir()
    for index in range(UNLABELLED):
        image = draw_strip(UNLABELLED_SEED, index, **_WISH).image
        cv2.imwrite(str(folder / "test_images" / f"fresh{index:02}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 90])


def _version() -> str:
    """Of all that decides what is drawn and written."""
    digest = hashlib.sha256(f"numpy {np.__version__}, opencv {cv2.__version__}".encode())
    for path in [Path(__file__), *(path for name in _SOURCES for path in sorted((_ROOT / name).glob("*.py")))]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
