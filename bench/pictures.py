"""The pictures of the documents, all of strips that the project draws: `python bench/pictures.py demo`, after `make demo`.

Needs Debian's chromium, as do the tests of the page, which take the station's pictures with the demo's inspector. Look at
each.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
STATION = {
    "station-inspect": "station-inspect",
    "station-viewer": "station-viewer",
    "history-desktop": "station-history",
    "review-desktop": "station-review",
}
"""What a test of the page takes, and what the documents call it."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("demo", type=Path, help="the folder that `make demo` leaves")
    demo = parser.parse_args().demo.resolve()
    subprocess.run([sys.executable, ROOT / "bench/strips_picture.py", IMAGES / "strips.png"], check=True)
    take_station(demo / "inspector")


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
    main()
