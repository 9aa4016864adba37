"""How well and how fast twins are found: `python bench/twins.py [SHARED_DATA] [--images 12568] [--only PART]`.

Three parts on real images, and one on made-up strips:

tiles   the magnetic-tile set against `tiles.csv`, which numbers tiles as far as the frame numbers tell, and against the
        same with the corrections of `twins_reviewed.csv`: every image of a group on which search and table disagree, with
        the surface that a person saw in the pictures. Pairwise precision and recall after grouping.
copies  every Severstal strip, magnetic tile (exposure 1) and fourth NEU plate beside a changed copy of itself.
size    seconds and peak memory for `--images` strips of 1600 x 256. Reading is timed on the real files; search and
        judgement on as many different strips, each put together anew from pieces of eight real ones.
strips  `--images` made-up strips of 1600 x 256 from coils of four (`--seed`), whose twins are known exactly: precision and
        recall of the pairs, all and those on which both images show steel on a tenth of the columns or more.
"""

import argparse
import csv
import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
from machine import print_machine
from numpy.typing import NDArray

from steelsight.dataset import twins
from steelsight.dataset.disjoint_groups import DisjointGroups
from steelsight.dataset.twins import find_twins
from steelsight.strips.make import make_strips

Image = NDArray[np.uint8]
LEAST_STEEL = 0.1
REVIEWED = Path(__file__).with_name("twins_reviewed.csv")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, default=Path(__file__).resolve().parents[1] / "../shared/data")
    parser.add_argument("--images", type=int, default=12_568)
    parser.add_argument("--only", choices=["tiles", "copies", "size", "strips"])
    parser.add_argument("--seed", type=int, default=91)
    wish = parser.parse_args()
    if wish.only in (None, "tiles"):
        judge_tiles(wish.data / "magnetic_tile")
    if wish.only in (None, "copies"):
        judge_copies(wish.data)
    if wish.only in (None, "size"):
        time_size(sorted((wish.data / "severstal").glob("t*_images/*.jpg")), wish.images)
    if wish.only in (None, "strips"):
        judge_strips(wish.images, wish.seed)


def judge_tiles(root: Path) -> None:
    with (root / "tiles.csv").open() as table:
        rows = list(csv.DictReader(table))
    with REVIEWED.open() as table:
        seen = {(row["folder"], row["image"]): f"reviewed {row['surface']}" for row in csv.DictReader(table)}
    tiles = [row["tile"] for row in rows]
    reviewed = [seen.get((row["folder"], row["image"]), row["tile"]) for row in rows]
    began = time.perf_counter()
    groups = find_twins([root / row["folder"] / "Imgs" / row["image"] for row in rows])
    seconds = time.perf_counter() - began
    print(f"tiles: {len(rows)} images, {groups.max() + 1} groups, {seconds:.1f} s")
    for name, truth in (("tiles.csv", tiles), ("tiles.csv as reviewed", reviewed)):
        precision, recall = pairwise(groups, np.unique(truth, return_inverse=True)[1])
        print(f"  against {name}: precision {precision:.4f}, recall {recall:.4f}")


def pairwise(found: NDArray[np.int64], truth: NDArray[np.int64]) -> tuple[float, float]:
    """Precision and recall of the pairs of different images that share a group."""
    pairs = np.triu_indices(len(found), 1)
    said = (found[:, None] == found)[pairs]
    true = (truth[:, None] == truth)[pairs]
    return float((said & true).sum() / said.sum()), float((said & true).sum() / true.sum())


def judge_copies(data: Path) -> None:
    sets = {
        "severstal": sorted((data / "severstal").glob("t*_images/*.jpg")),
        "magnetic_tile": sorted((data / "magnetic_tile").glob("*/Imgs/exp1*.jpg")),
        "neu_seg": sorted((data / "neu_seg" / "images").glob("*.jpg"))[::4],
    }
    random = np.random.default_rng(1)
    changes: dict[str, tuple[Callable[[Image], Image], int]] = {
        "quarter turn": (lambda image: np.rot90(image), 90),
        "half turn": (lambda image: np.rot90(image, 2), 90),
        "mirrored": (lambda image: image[:, ::-1], 90),
        "upside down": (lambda image: image[::-1], 90),
        "transposed": (lambda image: image.T, 90),
        "brightness and contrast": (lambda image: exposed(image, random), 90),
        "crop, up to 5 % a side": (lambda image: cropped(image, 0.05, random), 90),
        "JPEG quality 50": (lambda image: image, 50),
        "turn, mirror, crop, exposure": (
            lambda image: exposed(cropped(np.rot90(image)[::-1], 0.04, random), random),
            85,
        ),
    }
    for name, paths in sets.items():
        alone = find_twins(paths)
        for change, (apply, quality) in changes.items():
            with tempfile.TemporaryDirectory() as folder:
                copies = [Path(folder) / f"{number}.jpg" for number in range(len(paths))]
                for path, copy in zip(paths, copies, strict=True):
                    changed = np.ascontiguousarray(apply(read_grey(path)))
                    cv2.imwrite(str(copy), changed, [cv2.IMWRITE_JPEG_QUALITY, quality])
                groups = find_twins([*paths, *copies])
            count = len(paths)
            found = groups[:count] == groups[count:]
            merged = len(np.unique(alone)) - len(np.unique(groups[:count]))
            print(f"copies: {name}, {change}: recall {found.mean():.4f} of {count}; originals' groups merged: {merged}")


def judge_strips(count: int, seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        strips = Path(folder) / "strips"
        made = make_strips(strips, count, seed=seed)
        with (strips / "groups.csv").open(newline="") as table:
            rows = list(csv.DictReader(table))
        paths = [strips / "train_images" / row["image"] for row in rows]
        clock = Clock()
        groups = find_twins(paths)
        seconds = clock.lap()
        steel = np.array([steel_share(path) for path in paths])
    places = {row["image"]: place for place, row in enumerate(rows)}
    truth = np.array([places[row["twin_of"] or row["image"]] for row in rows])
    print(
        f"strips: {count} of {made.coils} coils, {made.twins} twins; {seconds[0]:.0f} s, {seconds[1]:.0f} of one core"
    )
    found, true = (pairs_of(numbers) for numbers in (groups, truth))
    seen = {pair for pair in found | true if min(steel[list(pair)]) >= LEAST_STEEL}
    for name, said, real in (("all", found, true), ("with steel on both", found & seen, true & seen)):
        both = len(said & real)
        print(
            f"  {name}: {len(real)} pairs, precision {both / max(1, len(said)):.4f} ({len(said) - both} false), "
            f"recall {both / max(1, len(real)):.4f} ({len(real) - both} missed)"
        )


def pairs_of(groups: NDArray[np.int64]) -> set[tuple[int, int]]:
    """The pairs of different images that share a group."""
    members: dict[int, list[int]] = {}
    for place, group in enumerate(groups.tolist()):
        members.setdefault(group, []).append(place)
    return {pair for group in members.values() for pair in combinations(group, 2)}


def steel_share(path: Path) -> float:
    """Share of the columns that are not black."""
    return float((read_grey(path).max(axis=0) > 40).mean())


def read_grey(path: Path) -> Image:
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise SystemExit(f"{path}: cannot be read as an image")
    return np.asarray(image, np.uint8)


def exposed(image: Image, random: np.random.Generator) -> Image:
    changed: Image = np.clip(image * random.uniform(0.6, 1.5) + random.uniform(-25, 25), 0, 255).astype(np.uint8)
    return changed


def cropped(image: Image, most: float, random: np.random.Generator) -> Image:
    height, width = image.shape
    top, bottom, left, right = random.random(4) * most
    return image[int(top * height) : height - int(bottom * height), int(left * width) : width - int(right * width)]


def time_size(paths: list[Path], count: int) -> None:
    with ThreadPoolExecutor(2) as pool:
        clock = Clock()
        looks = list(pool.map(twins._look, paths * 4))
        reading = clock.lap() * (count / len(looks))
        looks = [mixed(looks, number) for number in range(count)]
        clock.lap()
        candidates = twins._candidates(twins._spectra(looks, pool))
        searching = clock.lap()
        groups = DisjointGroups(count)
        twins._join_twins(groups, looks, candidates, pool)
        judging = clock.lap()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sizes = np.bincount(groups.numbers())
    print(f"size: {count} strips, seconds by the clock / of one core, two threads")
    for name, seconds in (
        (f"reading, from {len(paths) * 4} read", reading),
        ("search", searching),
        (f"judgement of {len(candidates)} candidates", judging),
        ("together", reading + searching + judging),
    ):
        print(f"  {name}: {seconds[0]:.0f} / {seconds[1]:.0f}")
    print(f"  {len(sizes)} groups, the largest of {sizes.max()}; peak memory {memory:.0f} MB")


class Clock:
    """Seconds since the last lap, by the clock and of processor time."""

    def __init__(self) -> None:
        self._then = self._now()

    def lap(self) -> NDArray[np.float64]:
        then, self._then = self._then, self._now()
        return self._then - then

    @staticmethod
    def _now() -> NDArray[np.float64]:
        return np.array([time.perf_counter(), time.process_time()])


def mixed(looks: list[twins._Look], number: int) -> twins._Look:
    """A strip of eight pieces of real strips. A few in a thousand share their liveliest piece, and are joined for it."""
    random = np.random.default_rng(number)
    height, width = (min(look.detail.shape[axis] for look in looks) for axis in (0, 1))
    piece = width // 8
    parts = []
    for _ in range(8):
        left = int(random.integers(width - piece + 1))
        part = looks[random.integers(len(looks))].detail[:height, left : left + piece]
        parts.append(part[:: random.choice([-1, 1]), :: random.choice([-1, 1])])
    return twins._Look(np.hstack(parts), looks[0].scale, number.to_bytes(16))


if __name__ == "__main__":
    print_machine()
    main()
