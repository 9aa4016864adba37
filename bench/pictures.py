"""The pictures of the documents, of strips that the project draws and the ready inspector judges: `python bench/pictures.py`.

Needs Debian's chromium, as do the tests of the page, which take the station's pictures. Look at each.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from machine import print_machine
from numpy.typing import NDArray

from steelsight.inspector.inspector import Inspector
from steelsight.inspector.ready import DIFFICULTY, ready_inspector
from steelsight.results.overlay import draw_overlay
from steelsight.strips import draw_strip

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
SEED = 76
SHOWN = (3, 1)
STATION = {
    "station-inspect": "station-inspect",
    "station-viewer": "station-viewer",
    "history-desktop": "station-history",
    "review-desktop": "station-review",
    "station-viewer-phone": "station-viewer-phone",
}
"""What a test of the page takes, and what the documents call it."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inspector", type=Path, default=ready_inspector())
    inspector = parser.parse_args().inspector.resolve()
    subprocess.run([sys.executable, ROOT / "bench/strips_picture.py", IMAGES / "strips.png"], check=True)
    draw_found(Inspector.open(inspector, device="cpu"))
    take_station(inspector)


def draw_found(inspector: Inspector) -> None:
    """A strip with each of two classes, the first of a seed that nothing else is made of: as it is, and as it was judged."""
    rows: dict[int, NDArray[np.uint8]] = {}
    for index in range(400):
        strip = draw_strip(SEED, index, difficulty=DIFFICULTY, strips_per_coil=1)
        shown = [number for number in np.unique(strip.truth).tolist() if number]
        if len(shown) != 1 or shown[0] not in SHOWN or shown[0] in rows or (strip.image < 8).mean() > 0.05:
            continue
        judged = inspector(strip.image)
        verdict = judged.verdict
        picture = draw_overlay(
            strip.image, judged.runs, inspector.classes, judged.p_defect, verdict, judged.suspected_runs
        )
        grey = np.repeat(strip.image[..., None], 3, axis=2)
        rows[shown[0]] = np.concatenate([grey, picture])
    stacked = np.concatenate([rows[number] for number in SHOWN])[..., ::-1]
    small = cv2.resize(stacked, None, fx=0.625, fy=0.625, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(IMAGES / "found.png"), small, [cv2.IMWRITE_PNG_COMPRESSION, 9])


def take_station(inspector: Path) -> None:
    with tempfile.TemporaryDirectory() as shots:
        wish = {"STEELSIGHT_SCREENSHOTS": shots, "STEELSIGHT_INSPECTOR": str(inspector)}
        tests = [sys.executable, "-m", "pytest", "-q", "tests/station/page"]
        subprocess.run(
            tests, cwd=ROOT, env=os.environ | wish, check=False
        )  # what they judge is said of their own inspector
        for taken, name in STATION.items():
            shutil.copy(Path(shots) / f"{taken}.png", IMAGES / f"{name}.png")


if __name__ == "__main__":
    print_machine()
    main()
