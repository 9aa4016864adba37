"""How far scores must drift until the station's alarm sees it.

    python bench/drift.py                       invented scores, which drift in ever more of the images
    python bench/drift.py INSPECTOR IMAGES      real images as they are, darker, noisier and more blurred

INSPECTOR is held against the tested images that it carries, so IMAGES must be none that it has seen.
"""

import argparse
import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from machine import print_machine

from steelsight.cascade.judge import sees_grey
from steelsight.imaging.combine import combine_probabilities
from steelsight.imaging.preprocess import Image
from steelsight.imaging.read import list_images, read_image
from steelsight.inspector.inspector import Inspector
from steelsight.station.drift import fold_score, measure_drift, scored_folds
from steelsight.verdicts.evaluated import EvaluationSet
from steelsight.verdicts.evaluated_files import read_evaluation_set

MOVED = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5)
WINDOWS = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inspector", type=Path, nargs="?")
    parser.add_argument("images", type=Path, nargs="?")
    given = parser.parse_args()
    if given.inspector is None:
        simulate(np.random.default_rng(0))
    elif given.images is None:
        parser.error("name the folder of images, too")
    else:
        worsen(Inspector.open(given.inspector), given.images)


def simulate(rng: np.random.Generator) -> None:
    """Share of windows with an alarm where that share of the scores, of defective and good alike, moves to the middle."""
    print("tested (defective + good)  images  limit  alarms where 0 %, 5 %, 10 %, 20 %, 30 %, 50 % of the images drift")
    for defective, good in ((40, 26), (400, 600), (4000, 6000)):
        for images in (100, 500, 2000):
            alarms, limit = [], 0.0
            for moved in MOVED:
                found = []
                for _ in range(WINDOWS):
                    scores = draw(rng, rng.random(images) < 0.2)
                    drifts = rng.random(images) < moved
                    scores[drifts] = rng.beta(60, 60, drifts.sum())
                    truth = np.repeat([True, False], [defective, good])
                    found.append(measure_drift(invented(draw(rng, truth), truth), scores.tolist()))
                alarms.append(np.mean([one.alarm for one in found]))
                limit = found[-1].limit if moved == 0 else limit
            print(
                f"{defective} + {good:<10} {images:>10}  {limit:.3f}  {'  '.join(f'{100 * one:.0f} %' for one in alarms)}"
            )


def draw(rng: np.random.Generator, defective: np.ndarray) -> np.ndarray:
    """Scores of a fair classifier: AUC 0.98."""
    return np.where(defective, rng.beta(5, 1.5, defective.size), rng.beta(1.5, 5, defective.size))


def invented(p: np.ndarray, truth: np.ndarray) -> EvaluationSet:
    count = len(p)
    zeros, names = np.zeros(count, np.int64), tuple(map(str, range(count)))
    sizes, areas = np.ones((count, 2), np.int64), truth[:, None].astype(np.int64)
    return EvaluationSet("own", ("defect",), names, zeros, np.arange(count), sizes, p, areas, ((),) * count)


def worsen(inspector: Inspector, folder: Path) -> None:
    """Distance and limit of the images, and of the same images made worse, scored as a station does."""
    evidence, folds, engine = (
        read_evaluation_set(inspector.folder),
        scored_folds(inspector.card),
        inspector.engine("latency"),
    )
    rng = np.random.default_rng(0)
    paths = list_images(folder)
    rng.shuffle(paths)  # a folder is sorted by name, not by time
    changes: dict[str, Callable[[Image], Image]] = {
        "as they are": lambda image: image,
        **{f"brightness x {by:g}": partial(cv2.convertScaleAbs, alpha=by) for by in (0.7, 0.5, 0.3)},
        **{f"blur, sigma {by} px": partial(cv2.GaussianBlur, ksize=(0, 0), sigmaX=by) for by in (1, 2, 4, 8)},
        **{f"noise, sigma {by}": partial(noisy, rng, by) for by in (10, 20)},
    }
    for name, change in changes.items():
        scores = []
        for path in paths:
            image = change(read_image(path, grey=sees_grey(engine)))
            said = [
                float(network.probabilities(network.preprocess.to_input(image)[None])[0])
                for network in engine.classifiers
            ]
            drawn = fold_score(said, folds, hashlib.sha256(path.read_bytes()).hexdigest(), engine.combine)
            scores.append(combine_probabilities(said, engine.combine) if drawn is None else drawn)
        found = measure_drift(evidence, scores)
        if not found.known:
            print(found.sentence)
            return
        alarm = "alarm" if found.alarm else ""
        print(
            f"{name:<18} {found.images} images  distance {found.distance:.3f}  limit {found.limit:.3f}  "
            f"defective {100 * found.defect_share:.0f} %  {alarm}"
        )


def noisy(rng: np.random.Generator, sigma: float, image: Image) -> Image:
    return np.clip(image + rng.normal(0, sigma, image.shape), 0, 255).astype(np.uint8)


if __name__ == "__main__":
    print_machine()
    main()
