"""How made-up strips compare with real ones: `python bench/strips_real.py [SHARED_DATA] [--seed 5] [--areas 400]`.

1. The statistics of `strips_stats.py` for the 88 real test strips and 88 made-up ones: quantiles side by side.
2. How well a plain classifier tells them apart by these: ROC AUC, five folds, for a forest and for a logistic regression,
   over `--rounds` draws of the folds; .5 would be not at all. The made-up strips come from coils of their own, with the
   competition's share of defective ones.
3. Shares, areas and co-occurrence of the classes in `--areas` defective strips against the competition's annotations.
"""

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from machine import print_machine
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from strips_stats import statistics

from steelsight.strips import draw_strip

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
DEFECTIVE = 6666 / 12568
"""The share in the competition's training set."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, default=Path(__file__).resolve().parents[1] / "../shared/data")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--areas", type=int, default=400)
    wish = parser.parse_args()
    root = wish.data / "severstal"
    real = [read(path) for path in sorted((root / "test_images").glob("*.jpg"))]
    made = [drawn(wish.seed, index) for index in range(len(real))]
    rows = [statistics(image) for image in real], [statistics(image) for image in made]
    side_by_side(*rows)
    told_apart(*rows, wish.rounds)
    if wish.areas:
        areas(root / "annotations" / "image_labels_all_12568.csv", wish.seed, wish.areas)


def read(path: Path) -> NDArray[np.uint8]:
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), np.uint8)


def drawn(seed: int, index: int) -> NDArray[np.uint8]:
    """A made-up strip as its JPEG file shows it."""
    strip = draw_strip(seed, index, defective=DEFECTIVE, strips_per_coil=1)
    content = cv2.imencode(".jpg", strip.image, [cv2.IMWRITE_JPEG_QUALITY, 90])[1]
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_GRAYSCALE), np.uint8)


def side_by_side(real: Sequence[dict[str, float]], made: Sequence[dict[str, float]]) -> None:
    print(f"| statistic | {len(real)} real: 10, 25, 50, 75, 90 % | {len(made)} made up | AUC of it alone |")
    print("|---|---|---|---|")
    for name in real[0]:
        a, b = (np.array([row[name] for row in rows]) for rows in (real, made))
        auc = float((a[:, None] > b).mean() + 0.5 * (a[:, None] == b).mean())
        shown = (", ".join(f"{value:.3g}" for value in np.quantile(values, QUANTILES)) for values in (a, b))
        print(f"| {name} | {' | '.join(shown)} | {max(auc, 1 - auc):.2f} |")


def told_apart(real: Sequence[dict[str, float]], made: Sequence[dict[str, float]], rounds: int) -> None:
    values = np.array([list(row.values()) for row in (*real, *made)])
    truth = np.repeat([0, 1], [len(real), len(made)])
    forest = RandomForestClassifier(200, min_samples_leaf=2, random_state=0)
    for name, model in (
        ("forest", forest),
        ("logistic regression", make_pipeline(StandardScaler(), LogisticRegression(max_iter=3000))),
    ):
        found = []
        for round_ in range(rounds):
            folds = StratifiedKFold(5, shuffle=True, random_state=round_)
            found.append(cross_val_score(model, values, truth, cv=folds, scoring="roc_auc").mean())
        print(f"told apart by a {name}: AUC {np.mean(found):.3f} ({min(found):.3f} to {max(found):.3f})", flush=True)
    forest.fit(values, truth)
    heaviest = np.argsort(-forest.feature_importances_)[:6]
    print("the forest looks most at:", ", ".join(list(real[0])[index] for index in heaviest))


def areas(table: Path, seed: int, count: int) -> None:
    with table.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    real = np.array([[int(row[f"area_{number}"]) for number in range(1, 5)] for row in rows])
    real = real[real.any(axis=1)]
    made = []
    for index in range(count):
        truth = draw_strip(seed, index, defective=1, strips_per_coil=1).truth
        made.append(np.bincount(truth.ravel(), minlength=5)[1:])
    drawn_areas = np.array(made)
    for number in range(4):
        for name, found in (("annotated", real), ("drawn", drawn_areas)):
            shown = found[:, number][found[:, number] > 0]
            quantiles = ", ".join(f"{value:.0f}" for value in np.quantile(shown, QUANTILES)) if shown.size else "none"
            print(f"class {number + 1} {name}: {shown.size / len(found):.1%} of defective images; pixels {quantiles}")
    for name, found in (("annotated", real), ("drawn", drawn_areas)):
        print(f"{name}: two classes or more in {((found > 0).sum(axis=1) > 1).mean():.1%} of defective images")


if __name__ == "__main__":
    print_machine()
    main()
