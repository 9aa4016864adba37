"""Processor time that the connected defects of a report take: per image of a decided RUN, and their figures at 12,568 images.

OMP_NUM_THREADS=1 python bench/defects.py RUN [--images 12568]
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from machine import print_machine

from steelsight.metrics.defects import Defects
from steelsight.report.sections.defect_table import defect_table
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.run import Run
from steelsight.selection.decision import read_decision
from steelsight.selection.defects import score_image
from steelsight.selection.ensembles import EnsembleOutputs
from steelsight.selection.out_of_fold import NestedOutputs

CLASSES = ("1", "2", "3", "4")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--images", type=int, default=12568)
    given = parser.parse_args()
    evidence = OutOfFoldPredictions.of(Run(given.run))
    judged = NestedOutputs.of(evidence, read_decision(Run(given.run)), EnsembleOutputs(evidence))
    count = len(evidence.record.samples)
    reading = _seconds(lambda index: judged.maps(index), count)
    whole = _seconds(lambda index: score_image(judged, index), count)
    print(
        f"{count} images: {1000 * whole / count:.1f} ms each; to read and combine all maps alone takes "
        f"{1000 * reading / count:.1f} ms"
    )
    print(f"{given.images} images: {given.images * whole / count:.0f} s of a processor, once for each rule")
    start = time.process_time()
    rng = np.random.default_rng(0)
    rows = np.column_stack([rng.integers(0, end, 20_000) for end in (given.images, len(CLASSES), 9000)])
    rows = np.column_stack([rows, rows[:, 2] * rng.integers(0, 2, 20_000)])
    widths = np.full(given.images, 1600)
    defect_table(Defects(rows, rows), np.arange(given.images), widths, CLASSES, 0.5)
    print(f"figures and intervals of 20,000 defects on {given.images} images: {time.process_time() - start:.1f} s")


def _seconds(of: Callable[[int], object], count: int) -> float:
    start = time.process_time()
    for index in range(count):
        of(index)
    return time.process_time() - start


if __name__ == "__main__":
    print_machine()
    main()
