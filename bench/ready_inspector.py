"""Make the ready inspector that travels in the package: a Lite0 pair trained on made-up strips, calibrated on fresh ones.

    python bench/ready_inspector.py --work runs/ready
    python bench/ready_inspector.py --work runs/ready --install

Each step is left alone if its folder is there; a training that was killed goes on. `--install` puts the inspector into
`src/steelsight/inspector/packaged`. The seeds are those of no other document, demo or test.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from steelsight.inspector.ready import READY

TRAINED, CALIBRATION, JUDGED = 71, 72, 73
"""Seeds: of the strips trained on, of those calibrated with, and of those that the figures are of."""
MOST_BYTES = 16_000_000


def main() -> None:
    """Train, decide, export, calibrate, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--images", type=int, default=600)
    parser.add_argument("--difficulty", type=float, default=0.2)
    parser.add_argument("--install", action="store_true")
    given = parser.parse_args()
    work: Path = given.work
    work.mkdir(parents=True, exist_ok=True)
    drawn = {"strips": (given.images, TRAINED, 2), "calibration": (600, CALIBRATION, 1), "judged": (400, JUDGED, 1)}
    for name, (images, seed, coil) in drawn.items():
        if not (work / name).is_dir():
            steelsight(
                *("data", "make", work / name, "--images", images, "--seed", seed),
                *("--strips-per-coil", coil, "--difficulty", given.difficulty),
            )
    groups = ("--groups", work / "strips" / "groups.csv")
    steelsight(
        "train", work / "strips", "--recipe", "lite", "--out", work / "run", "--resume", "--set", "folds=2", *groups
    )
    if not (work / "inspector").is_dir():
        steelsight("export", work / "run", "--folds", "0", "--precision", "fp16", "--out", work / "inspector")
        fresh = ("--calibrate", work / "calibration", "--groups", work / "calibration" / "groups.csv")
        steelsight("decide", work / "inspector", *fresh, "--max-escape", 0.05, "--max-overkill", 0.1)
    steelsight("inspect", work / "inspector", work / "judged" / "train_images", "--out", work / "inspected", "--resume")
    answers = work / "inspected" / "submission.csv"
    print(steelsight("score", work / "judged" / "train.csv", answers, "--images", work / "judged" / "train_images"))
    size = sum(path.stat().st_size for path in (work / "inspector").iterdir())
    print(f"{size / 1e6:.1f} MB")
    if size > MOST_BYTES:
        sys.exit(f"more than {MOST_BYTES / 1e6:g} MB, which is too much for a package")
    if given.install:
        shutil.rmtree(READY, ignore_errors=True)
        shutil.copytree(work / "inspector", READY)


def steelsight(*words: object) -> str:
    """What a verb prints."""
    command = [sys.executable, "-m", "steelsight.cli.main", *map(str, words)]
    print("steelsight", *words, flush=True)
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    main()
