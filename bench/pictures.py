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

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
STATION = {
    "station-inspect": "station-inspect",
    "station-viewer": "station-viewer",
    "history-desktop": "station-history",
    "review-desktop": "station-review",
}
"""What a test of the page takes, and what the documents call it."""
REPORT = (920, 924)
"""Width and height of what is shown of the report."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("demo", type=Path, help="the folder that `make demo` leaves")
    demo = parser.parse_args().demo.resolve()
    subprocess.run([sys.executable, ROOT / "bench/strips_picture.py", IMAGES / "strips.png"], check=True)
    take_report(demo / "run" / "report" / "index.html", IMAGES / "report.png")
    take_station(demo / "inspector")


def take_report(report: Path, picture: Path) -> None:
    """The beginning of the gallery: truth, and what networks that did not see the image marked."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": REPORT[0], "height": REPORT[1]})
        page.goto(report.as_uri())
        place = page.locator("#gallery").bounding_box()
        if place is None:
            raise SystemExit(f"{report}: it shows no gallery")
        box = {"x": 0, "y": place["y"], "width": REPORT[0], "height": REPORT[1]}
        page.screenshot(path=picture, full_page=True, clip=box)
        browser.close()


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
