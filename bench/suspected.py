"""What is suspected, held against the labels, and how many images that do not pass show no place at all.

    python bench/suspected.py --run RUN
    python bench/suspected.py --run RUN --thresholds 178 102 800
    python bench/suspected.py --inspector INSPECTOR DATA
    python bench/suspected.py --inspector INSPECTOR --unlabelled FOLDER
    python bench/suspected.py --inspector demo strips/train.csv --thresholds 132 16 48

A RUN's images are judged out of fold, by the nested rules; an INSPECTOR judges DATA, or images without labels, with its
own rule and policy (`demo`: the ready one). `--thresholds` takes another upper and lower threshold and minimum area, the same
for all classes, and the gate as it was. Each of two ways chooses the places: `largest`, as until 2026-11-29 (above the lower
threshold, the five largest of each class without a mask), and `suspect`, as the product does.

`on a defect`: suspected regions that touch a labelled defect of any class. `on a new one`: those that touch a labelled
defect that no mask touches. `touched`: of these unmarked defects, how many a suspected region touches. The last line is of
images that show their strongest place because nothing stands out.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
from machine import print_machine
from numpy.typing import NDArray

from steelsight.cascade.judge import judge
from steelsight.cascade.masks import CombinedMaps, cut
from steelsight.cascade.sources import Source, find_sources
from steelsight.cascade.suspect import least_area, suspect
from steelsight.dataset.read import read_dataset
from steelsight.imaging.regions import RegionRuns
from steelsight.imaging.rle import Runs, decode_runs
from steelsight.inspector.inspector import Inspector
from steelsight.rule.rule import Rule
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.run import Run
from steelsight.selection.decision import read_decision
from steelsight.selection.ensembles import EnsembleOutputs
from steelsight.selection.out_of_fold import NestedOutputs
from steelsight.verdicts.verdict import give_verdict

Mask = NDArray[np.bool_]
OLD_MOST = 5


@dataclass(frozen=True)
class Doubtful:
    """An image that does not pass, with its masks, and its labels if it has any: bool (classes, height, width)."""

    maps: CombinedMaps
    found: tuple[Runs, ...]
    rule: Rule
    truth: Mask | None


def largest(one: Doubtful) -> list[Mask]:
    """The places of before."""
    places: list[Mask] = []
    for index in np.flatnonzero(one.maps.may_exceed(one.rule.lower)).tolist():
        if one.found[index].area:
            continue
        columns = one.maps.above(index, one.rule.lower[index])
        every = RegionRuns.of(columns, columns.levels > one.rule.lower[index])
        order = np.argsort(-every.areas, kind="stable")
        enough = order[every.areas[order] >= least_area(one.rule.min_area[index], one.maps.size)]
        places += [_pixels(every, int(number), one.maps.size) for number in enough[:OLD_MOST]]
    return places


def strongest(one: Doubtful) -> list[Mask]:
    """Those of now."""
    places: list[Mask] = []
    for runs in suspect(one.maps, one.found, one.rule).runs:
        if runs.area:
            count, labels = cv2.connectedComponents(decode_runs(runs, one.maps.size).view(np.uint8), connectivity=8)
            places += [labels == number for number in range(1, count)]
    return places


def _pixels(every: RegionRuns, number: int, size: tuple[int, int]) -> Mask:
    return decode_runs(every.only(np.arange(every.areas.size) == number).runs(), size)


def of_run(folder: Path, thresholds: list[int] | None) -> Iterator[Doubtful]:
    """Images of a run that do not pass, each judged without its fold."""
    run = Run(folder)
    evidence, decision = OutOfFoldPredictions.of(run), read_decision(run)
    if decision.policy is None:
        raise SystemExit(f"{folder} has no policy: decide it with --max-escape or --max-overkill")
    judged = NestedOutputs.of(evidence, decision, EnsembleOutputs(evidence))
    for index, sample in enumerate(evidence.record.samples):
        fold = int(evidence.record.folds[index])
        members = judged.team.segmenters[fold]
        rule = _changed(judged.rules[fold], thresholds)
        engine: Any = SimpleNamespace(combine=evidence.combine, segmenters=members)
        counted = np.ones(sample.size, np.bool_) & ~sample.ignored_mask()
        image = np.zeros(sample.size, np.uint8)
        maps = CombinedMaps(image, [evidence.map(one, index) for one in members], engine, rule.at, counted=counted)
        p_defect = float(judged.view.p_defect[index])
        found, regions = cut(maps, p_defect, rule)
        verdict = give_verdict(decision.policy, decision.classes, p_defect, regions, sample.size)
        if verdict.answer != "pass":
            yield Doubtful(maps, found, rule, sample.mask())


def of_inspector(
    inspector: Inspector, sources: Sequence[Source], truth: Mapping[Any, Mask], thresholds: list[int] | None
) -> Iterator[Doubtful]:
    """Images that an inspector does not let pass."""
    engine, card = inspector.engine("throughput"), inspector.card
    rule = _changed(card.rule, thresholds)
    for one in judge(sources, engine, rule, keep_network_maps=True, flags=card.familiar.flags, policy=card.policy):
        if one.verdict is not None and one.verdict.answer != "pass" and one.network_maps and one.image is not None:
            maps = CombinedMaps(one.image, one.network_maps, engine, rule.at, counted=one.counted)
            yield Doubtful(maps, one.runs, rule, truth.get(one.source.path))


def _changed(rule: Rule, thresholds: list[int] | None) -> Rule:
    if thresholds is None:
        return rule
    upper, lower, area = ((value,) * rule.classes for value in thresholds)
    return rule.model_copy(update={"upper": upper, "lower": lower, "min_area": area})


@dataclass
class Counts:
    """Of one way to choose places, over all images."""

    silent: int = 0
    shown: int = 0
    places: int = 0
    on_defect: int = 0
    on_new: int = 0
    unmarked: int = 0
    touched: int = 0

    def add(self, one: Doubtful, places: list[Mask]) -> None:
        self.places += len(places)
        self.shown += bool(places)
        self.silent += not places and not any(runs.area for runs in one.found)
        if one.truth is None:
            return
        marked = np.any([decode_runs(runs, one.maps.size) for runs in one.found], axis=0)
        defects = list(_defects(one.truth))
        unmarked = [defect for defect in defects if not (defect & marked).any()]
        self.on_defect += sum(bool((place & one.truth.any(axis=0)).any()) for place in places)
        self.on_new += sum(any((place & defect).any() for defect in unmarked) for place in places)
        self.unmarked += len(unmarked)
        self.touched += sum(any((place & defect).any() for place in places) for defect in unmarked)

    def __str__(self) -> str:
        each = self.places / max(self.shown, 1)
        said = f"{self.silent:4} show nothing; {self.places:4} places, {each:.2f} an image that has any"
        if not self.unmarked:
            return said
        share, new = self.on_defect / max(self.places, 1), self.on_new / max(self.places, 1)
        return f"{said}; {share:.1%} on a defect, {new:.1%} on a new one; touched {self.touched} of {self.unmarked}"


def _defects(truth: Mask) -> Iterator[Mask]:
    for plane in truth:
        count, labels = cv2.connectedComponents(plane.astype(np.uint8), connectivity=8)
        yield from (labels == number for number in range(1, count))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    judged_by = parser.add_mutually_exclusive_group(required=True)
    judged_by.add_argument("--run", type=Path)
    judged_by.add_argument("--inspector")
    parser.add_argument("data", type=Path, nargs="?", help="with --inspector: labelled images")
    parser.add_argument("--unlabelled", metavar="FOLDER", help="with --inspector: images without labels")
    parser.add_argument("--thresholds", type=int, nargs=3, metavar=("UPPER", "LOWER", "AREA"))
    given = parser.parse_args()
    if given.run is None and (given.data is None) == (given.unlabelled is None):
        parser.error("--inspector needs DATA or --unlabelled")
    if given.run is not None:
        images = of_run(given.run, given.thresholds)
    else:
        inspector = Inspector.demo() if given.inspector == "demo" else Inspector.open(given.inspector)
        samples = read_dataset(given.data).samples if given.data else ()
        truth = {sample.path: sample.mask() for sample in samples}
        sources = [Source.of(path) for path in truth] or find_sources([given.unlabelled])
        images = of_inspector(inspector, sources, truth, given.thresholds)
    ways: dict[str, Callable[[Doubtful], list[Mask]]] = {"largest": largest, "suspect": strongest}
    counts = {name: Counts() for name in ways}
    total = 0
    faint = Counts()
    for one in images:
        total += 1
        if suspect(one.maps, one.found, one.rule).is_faint and (one.truth is None or one.truth.any()):
            faint.add(one, strongest(one))
        for name, way in ways.items():
            counts[name].add(one, way(one))
    print(f"{total} images do not pass")
    for name, count in counts.items():
        print(f"{name}: {count}")
    defective = " with a labelled defect" if faint.unmarked else ""
    print(f"strongest place alone: {faint.shown} images{defective}, {faint.on_defect} of the places on a defect")


if __name__ == "__main__":
    print_machine()
    main()
