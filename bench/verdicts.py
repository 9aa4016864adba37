"""Seconds that the verdict policy takes on simulated evidence of the size of the competition's: limit 10 s.

python bench/verdicts.py [--images 12568]
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from machine import print_machine

from steelsight.imaging.regions import Region
from steelsight.verdicts.bootstrap import redraw_thresholds
from steelsight.verdicts.calibration import choose_calibration
from steelsight.verdicts.evaluated import EvaluationSet
from steelsight.verdicts.evaluated_files import read_evaluation_set, write_evaluation_set
from steelsight.verdicts.policy import Costs, Limits
from steelsight.verdicts.thresholds import find_policy

LIMIT = 10.0
CLASSES = ("1", "2", "3", "4")
WISHES = {
    "shares, one class apart": Limits(max_escape=0.01, max_overkill=0.01, never_miss={"4": 0.02}),
    "shares among passed": Limits(max_escape=0.01, escape_among="both", defect_share=0.1),
    "least cost": Limits(costs=Costs(escape=100, review=1, overkill=10), defect_share=0.1),
}


def simulate(images: int) -> EvaluationSet:
    """Half of the images defective, P(defect) logit-normal, one region where P(defect) exceeds a half."""
    rng = np.random.default_rng(0)
    defective = rng.random(images) < 0.5
    truth = np.zeros((images, len(CLASSES)), np.int64)
    truth[defective, rng.integers(0, len(CLASSES), defective.sum())] = 1000
    p = 1 / (1 + np.exp(-rng.normal(np.where(defective, 3, -3), 2)))
    region = Region(2, 1, 2, 30, 40, 1000, 0.8)
    return EvaluationSet(
        kind="own",
        classes=CLASSES,
        image_ids=tuple(f"{number}.jpg" for number in range(images)),
        folds=rng.integers(0, 5, images),
        groups=np.arange(images),
        sizes=np.full((images, 2), (256, 1600)),
        p_defect=p,
        truth=truth,
        regions=tuple((region,) if value > 0.5 else () for value in p),
    )


@contextmanager
def timed(into: Callable[[float], None]) -> Iterator[None]:
    start = time.perf_counter()
    yield
    into(time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=12568)
    tested = simulate(parser.parse_args().images)
    parts: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        write_evaluation_set(Path(folder), tested)
        with timed(lambda seconds: parts.update(reading=seconds)):
            tested = read_evaluation_set(Path(folder))
    with timed(lambda seconds: parts.update(calibration=seconds)):
        chosen = choose_calibration(tested.p_defect, tested.defective, tested.folds, tested.groups)
    for name, wish in WISHES.items():
        with timed(lambda seconds: parts.update(bounds=seconds)):
            find_policy(tested, wish, chosen.calibration, None)
        with timed(lambda seconds: parts.update(bootstrap=seconds)):
            redraw_thresholds(tested, wish, None)
        total = sum(parts.values())
        each = ", ".join(f"{part} {seconds:.2f}" for part, seconds in parts.items())
        print(f"{name}: {total:.2f} s, {total / LIMIT:.2f} of the limit ({each})")


if __name__ == "__main__":
    print_machine()
    main()
