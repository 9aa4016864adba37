"""Whether a guarantee holds: an inspector calibrated again and again on coils of one line, and held to it on all the others.

    python bench/guarantee.py judge --work runs/guarantee --strips 30000           # resumable, in units of 500 strips
    python bench/guarantee.py judge --work runs/guarantee --strips 2000 --line 2   # a change that nobody announced
    python bench/guarantee.py draw --work runs/guarantee

`judge` draws strips that nothing else is made of and keeps what the inspector said of each: P(defect), whether it has
a mask, its flags. `draw` takes 400 coils 200 times, finds the thresholds for 5 % escapes and 5 % overkill at 95 % as
`decide --calibrate` does, and counts in how many draws more than that is lost of the coils that were not drawn; a coil is
lost if any of its strips is. Beside it the naive threshold: the loosest at which the share seen in the draw is within the
limit. Of 200 draws at exactly 5 %, 15 are exceeded or fewer with 95 % probability. For line 2 it says what the thresholds
of line 1 are worth there, and what notices.
"""

import argparse
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from machine import print_machine
from numpy.typing import NDArray
from scipy.stats import binom

from steelsight.core.files import replacing
from steelsight.imaging.regions import Region
from steelsight.inspector.inspector import Inspector
from steelsight.inspector.ready import DIFFICULTY, ready_inspector
from steelsight.station.drift import measure_drift
from steelsight.strips import Strip, draw_strip
from steelsight.verdicts.calibration import Calibration
from steelsight.verdicts.evaluated import EvaluationSet
from steelsight.verdicts.group_scores import ErrorKind, exceeds, score_groups, score_images
from steelsight.verdicts.policy import Limits
from steelsight.verdicts.thresholds import find_policy

SEED = 75
UNIT = 500
"""Strips that are judged and then kept as one file."""
DRAWS, COILS, LIMIT = 200, 400, 0.05
WISH = Limits(max_escape=LIMIT, max_overkill=LIMIT, confidence=0.95)
WINDOWS = (50, 100, 200, 500, 1000)
_FOUND = Region(0, 0, 0, 1, 1, 1, 1.0)
"""In place of what was found: where a rule has no severities, only whether there is something counts."""


@dataclass(frozen=True, eq=False)
class Answers:
    """Of each strip: P(defect), whether it has a mask, whether it was flagged, true pixels by class, and its coil."""

    p_defect: NDArray[np.float64]
    found: NDArray[np.bool_]
    flagged: NDArray[np.bool_]
    truth: NDArray[np.int64]
    coil: NDArray[np.int64]

    @classmethod
    def read(cls, folder: Path) -> Self:
        units = [np.load(path) for path in sorted(folder.glob("*.npz"))]
        return cls(*(np.concatenate([unit[name] for unit in units]) for name in cls.__dataclass_fields__))

    def tested(self, classes: tuple[str, ...]) -> EvaluationSet:
        count = self.p_defect.size
        return EvaluationSet(
            kind="calibrated",
            classes=classes,
            image_ids=tuple(map(str, range(count))),
            folds=np.zeros(count, np.int64),
            groups=self.coil,
            sizes=np.full((count, 2), (256, 1600)),
            p_defect=self.p_defect,
            truth=self.truth,
            regions=tuple((_FOUND,) if found else () for found in self.found.tolist()),
        )


def main() -> None:
    """Judge strips, or draw calibrations from those that were judged."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name in ("judge", "draw"):
        verb = verbs.add_parser(name)
        verb.add_argument("--work", type=Path, required=True)
        verb.add_argument("--inspector", type=Path, default=ready_inspector())
    judge = verbs.choices["judge"]
    judge.add_argument("--strips", type=int, default=30_000)
    judge.add_argument("--line", type=int, default=1, choices=(1, 2))
    given = parser.parse_args()
    inspector = Inspector.open(given.inspector, device="cpu")
    if given.verb == "judge":
        judge_strips(inspector, given.work / f"line{given.line}", given.strips, given.line)
    else:
        draw_calibrations(inspector, given.work)


def judge_strips(inspector: Inspector, folder: Path, strips: int, line: int) -> None:
    """Judge units that are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for first in range(0, strips, UNIT):
        path = folder / f"{first:06}.npz"
        if path.exists():
            continue
        drawn = list(draw(range(first, min(first + UNIT, strips)), line))
        judged = [inspector(strip.image) for strip in drawn]
        with replacing(path) as temporary, temporary.open("wb") as stream:
            np.savez_compressed(
                stream,
                p_defect=np.array([one.p_defect for one in judged]),
                found=np.array([one.is_defective for one in judged]),
                flagged=np.array([bool(one.flags) for one in judged]),
                truth=np.array([np.bincount(strip.truth.ravel(), minlength=5)[1:] for strip in drawn]),
                coil=np.array([strip.coil for strip in drawn]),
            )
        print(f"{first + len(drawn)} of {strips} strips of line {line}", flush=True)


def draw(indices: range, line: int) -> Iterator[Strip]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(lambda index: draw_strip(SEED, index, difficulty=DIFFICULTY, line=line), indices)


def draw_calibrations(inspector: Inspector, work: Path) -> None:
    """Print how often a limit is exceeded, and what line 2 makes of it."""
    answers = Answers.read(work / "line1")
    pool = answers.tested(inspector.classes)
    other = Answers.read(work / "line2").tested(inspector.classes) if (work / "line2").is_dir() else None
    coils, rng = np.unique(answers.coil), np.random.default_rng(0)
    most = int(binom.ppf(0.95, DRAWS, LIMIT))
    print(
        f"{answers.coil.size} strips of {coils.size} coils; {DRAWS} draws of {COILS}; at most {most} may exceed a limit"
    )
    counts: dict[tuple[str, str], list[float]] = {}
    for _ in range(DRAWS):
        drawn = np.isin(answers.coil, rng.choice(coils, COILS, replace=False))
        calibration, rest = pool.only(np.flatnonzero(drawn)), pool.only(np.flatnonzero(~drawn))
        policy = find_policy(calibration, WISH, Calibration(kind="none"), None)
        thresholds: dict[ErrorKind, float | None] = {"escape": policy.pass_at, "overkill": policy.reject_at}
        for kind, threshold in thresholds.items():
            if threshold is not None:
                counts.setdefault((kind, "guaranteed"), []).append(lost(rest, kind, threshold))
                if other is not None:
                    counts.setdefault((kind, "guaranteed, on line 2"), []).append(lost(other, kind, threshold))
            counts.setdefault((kind, "naive"), []).append(lost(rest, kind, naive(calibration, kind)))
    for (mistake, how), shares in sorted(counts.items()):
        exceeded = sum(share > LIMIT for share in shares)
        print(
            f"{mistake:9} {how:22} exceeded in {exceeded:3} of {len(shares)} draws with a threshold; lost: median "
            f"{np.median(shares):.2%}, 95 % of draws up to {np.quantile(shares, 0.95):.2%}"
        )
    print(f"flagged: {answers.flagged.mean():.3%} of line 1")
    if other is not None:
        second = Answers.read(work / "line2")
        print(f"flagged: {second.flagged.mean():.3%} of line 2")
        for window in (size for size in WINDOWS if size <= second.p_defect.size):
            of_line = {name: one.p_defect[:window].tolist() for name, one in (("1", answers), ("2", second))}
            known = pool.only(np.flatnonzero(np.isin(answers.coil, coils[-COILS:])))
            said = {name: measure_drift(known, scores) for name, scores in of_line.items()}
            print(
                f"drift after {window} images: "
                + ", ".join(
                    f"line {name} {one.distance:.3f} (alarm above {one.limit:.3f}){': ALARM' if one.alarm else ''}"
                    for name, one in said.items()
                )
            )


def lost(tested: EvaluationSet, kind: ErrorKind, threshold: float) -> float:
    """Share of the coils that have such images of which one is lost at the threshold."""
    scores = scores_of(tested, kind)
    return float(exceeds(kind, scores, threshold).mean())


def naive(tested: EvaluationSet, kind: ErrorKind) -> float:
    """The loosest threshold at which the share lost of these very coils is within the limit."""
    scores = np.sort(scores_of(tested, kind))
    if kind == "escape":
        return float(np.nextafter(scores[int(LIMIT * scores.size)], -1))
    return float(scores[scores.size - 1 - int(LIMIT * scores.size)])


def scores_of(tested: EvaluationSet, kind: ErrorKind) -> NDArray[np.float64]:
    groups = score_groups(tested, score_images(tested, None))
    scores = groups.escape if kind == "escape" else groups.overkill
    return scores[~np.isnan(scores)]


if __name__ == "__main__":
    print_machine()
    main()
