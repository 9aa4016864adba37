"""The same masks counted in five ways: what of a published figure comes from how it is counted, and what from the split.

    python bench/published_figures.py ../shared/data/magnetic_tile
    python bench/published_figures.py ../shared/data/neu_seg

Two methods judge each image, in three folds: with images of one surface kept together, and dealt out one by one as most
published splits are. `trees` is a pixel classifier (random trees over blurs, edges and extremes around a pixel, at a quarter
of the image's size). `recogniser` has learned nothing of defects: it finds the most alike image of the other folds and
copies its mask. The figures are then those of the same masks, counted as `metrics/` does and as others do. It is the
differences between the rows that are looked at, not the methods. Seed 0.
"""

import argparse
import sys
import time
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from machine import print_machine
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import StratifiedKFold

from steelsight.dataset.folds import assign_folds
from steelsight.dataset.model import Sample
from steelsight.dataset.read import read_dataset
from steelsight.dataset.twins import find_twins
from steelsight.imaging.read import read_image
from steelsight.metrics.dice import dice_figures, pair_dice

FOLDS, SEED, SHRINK = 3, 0, 4
BACKGROUND, DEFECT = 240, 240
"""Pixels of an image that are learned from, at most. Each weighs the root of how many it stands for: by their true share the
trees would stay silent on tiles."""

Counts = NDArray[np.int64]


def main() -> None:
    """A line for each way to count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    dataset = read_dataset(parser.parse_args().data, decode=False)
    samples = dataset.samples
    groups = find_twins([sample.path for sample in samples])
    combination = np.unique([str(sample.classes) for sample in samples], return_inverse=True)[1]
    pictures = [(features(sample), labels(sample)) for sample in samples]
    print(f"{len(samples)} images of {len(set(groups.tolist()))} surfaces, classes {', '.join(dataset.classes)}")
    apart = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(combination, combination)
    by_image = np.empty(len(samples), np.int64)
    for fold, (_, judged) in enumerate(apart):
        by_image[judged] = fold
    splits = {
        "surfaces kept together": assign_folds(samples, groups, FOLDS, SEED),
        "images dealt out": by_image,
    }
    methods = {"recogniser": recognise, "trees": judge}
    for name, folds in splits.items():
        shared = np.mean([_seen(groups, folds, index) for index in range(len(samples))])
        print(f"\n{name} ({shared:.0%} of the images have an image of their surface on the other side)")
        told = {method: ways(judged(pictures, folds, len(dataset.classes))) for method, judged in methods.items()}
        print(f"  {'':82}{''.join(f'{method:>12}' for method in told)}")
        for what in told["trees"]:
            print(f"  {what:82}{''.join(f'{values[what]:12.3f}' for values in told.values())}", flush=True)


def ways(counts: Counts) -> dict[str, float]:
    """The figures of the same masks, by how they are counted.

    Args:
        counts: int64 (images, 1 + classes, 3), intersection, predicted and true pixels, background first.
    """
    inside, marked, true = np.moveaxis(counts, 2, 0)[:, :, 1:]
    ours = dice_figures(inside, marked, true)
    union = marked + true - inside
    per_pair = np.divide(inside, union, out=np.ones(union.shape), where=union > 0)
    pooled = pair_dice(*(part.sum(axis=0) for part in (inside, marked, true)))
    every = pair_dice(*(counts[:, :, part].sum(axis=0) for part in range(3)))
    return {
        "mean IoU: pixels of all images, mean over the classes (as steelsight counts)": ours.mean_iou,
        "  with the background as one more class": dice_figures(*np.moveaxis(counts, 2, 0)).mean_iou,
        "  mean over images and classes, 1 where both are empty": float(per_pair.mean()),
        "pooled Dice: pixels of all images, mean over the classes (as steelsight counts)": float(pooled.mean()),
        "  with the background as one more class, Dice": float(every.mean()),
        "  mean over images and classes, 1 where both are empty (the competition's)": ours.dice,
        "Dice of pairs with a defect (as steelsight counts)": ours.defective_dice,
    }


def judge(
    pictures: list[tuple[NDArray[np.float32], NDArray[np.uint8]]], folds: NDArray[np.int64], classes: int
) -> Counts:
    """Pixels of every image by the trees that did not see it: int64 (images, 1 + classes, 3)."""
    counts = np.zeros((len(pictures), classes + 1, 3), np.int64)
    for fold in range(FOLDS):
        started, random = time.process_time(), np.random.default_rng([SEED, fold])
        drawn = [_drawn(*pictures[index], random) for index in np.flatnonzero(folds != fold).tolist()]
        trees = ExtraTreesClassifier(24, min_samples_leaf=2, random_state=SEED)
        rows, truth, weights = (np.concatenate(part) for part in zip(*drawn, strict=True))
        trees.fit(rows, truth, weights)
        for index in np.flatnonzero(folds == fold).tolist():
            rows, truth = pictures[index]
            said = trees.predict_proba(rows.reshape(-1, rows.shape[-1])).reshape(*truth.shape, -1)
            smooth = cv2.GaussianBlur(said.astype(np.float32), (0, 0), 1.5)
            found = trees.classes_[smooth.reshape(-1, smooth.shape[-1]).argmax(axis=1)].reshape(truth.shape)
            counts[index] = _counts(found, truth, classes)
        print(f"  fold {fold}: {time.process_time() - started:.0f} s of processor time", file=sys.stderr, flush=True)
    return counts


def recognise(
    pictures: list[tuple[NDArray[np.float32], NDArray[np.uint8]]], folds: NDArray[np.int64], classes: int
) -> Counts:
    """Likewise, by the mask of the most alike image of the other folds, brought to the size of the image."""
    looks = np.stack(
        [cv2.resize(rows[:, :, 2], (24, 24), interpolation=cv2.INTER_AREA).ravel() for rows, _ in pictures]
    )
    looks -= looks.mean(axis=1, keepdims=True)
    looks /= np.linalg.norm(looks, axis=1, keepdims=True) + 1e-6
    alike = np.where(folds[:, None] == folds[None, :], -np.inf, looks @ looks.T)
    counts = np.zeros((len(pictures), classes + 1, 3), np.int64)
    for index, other in enumerate(alike.argmax(axis=1).tolist()):
        truth = pictures[index][1]
        found = cv2.resize(pictures[other][1], truth.shape[::-1], interpolation=cv2.INTER_NEAREST)
        counts[index] = _counts(found, truth, classes)
    return counts


def _counts(found: NDArray[np.uint8], truth: NDArray[np.uint8], classes: int) -> Counts:
    both = [(found == number, truth == number) for number in range(classes + 1)]
    return np.array([((marked & true).sum(), marked.sum(), true.sum()) for marked, true in both], np.int64)


def features(sample: Sample) -> NDArray[np.float32]:
    """What the trees see of each pixel, about the image's own median, so that its exposure counts little: float32
    (height, width, 16)."""
    image = read_image(sample.path, grey=True).astype(np.float32) / 255
    small = cv2.resize(image, _small(sample), interpolation=cv2.INTER_AREA)
    small = (small - np.median(small)) / (small.std() + 0.02)
    blurs = [cv2.GaussianBlur(small, (0, 0), sigma) for sigma in (1, 2, 4, 8, 16)]
    edges = [np.hypot(cv2.Sobel(blur, -1, 1, 0), cv2.Sobel(blur, -1, 0, 1)) for blur in blurs[:3]]
    spread = [
        np.sqrt(np.maximum(cv2.GaussianBlur(small**2, (0, 0), s) - cv2.GaussianBlur(small, (0, 0), s) ** 2, 0))
        for s in (2, 6)
    ]
    window = np.ones((9, 9), np.uint8)
    extremes = [cv2.erode(small, window), cv2.dilate(small, window)]
    differences = [fine - coarse for fine, coarse in pairwise(blurs[:4])]
    return np.stack([small, *blurs, *edges, *spread, *extremes, *differences], axis=2)


def labels(sample: Sample) -> NDArray[np.uint8]:
    """The class of each pixel at that size, from 1 on, 0 for the background: uint8 (height, width)."""
    truth = np.zeros(_small(sample)[::-1], np.uint8)
    for number, plane in enumerate(sample.mask(), start=1):
        covered = cv2.resize(plane.astype(np.float32), _small(sample), interpolation=cv2.INTER_AREA)
        truth[covered >= 0.5] = number
    return truth


def _small(sample: Sample) -> tuple[int, int]:
    height, width = sample.size
    return max(1, width // SHRINK), max(1, height // SHRINK)


def _drawn(
    rows: NDArray[np.float32], truth: NDArray[np.uint8], random: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.float64]]:
    flat, of = rows.reshape(-1, rows.shape[-1]), truth.ravel()
    chosen, weights = [], []
    for there, most in ((np.flatnonzero(of == 0), BACKGROUND), (np.flatnonzero(of > 0), DEFECT)):
        chosen.append(random.permutation(there)[:most])
        weights.append(np.full(len(chosen[-1]), np.sqrt(len(there) / max(1, len(chosen[-1])))))
    places = np.concatenate(chosen)
    return flat[places], of[places], np.concatenate(weights)


def _seen(groups: NDArray[np.int64], folds: NDArray[np.int64], index: int) -> bool:
    return bool(((groups == groups[index]) & (folds != folds[index])).any())


if __name__ == "__main__":
    print_machine()
    main()
