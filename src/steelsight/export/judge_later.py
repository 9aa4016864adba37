"""The later images of a run that was split by time, judged by what was exported: no network and no rule has seen them."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from steelsight.cascade.sources import sources_of
from steelsight.core.errors import UserError
from steelsight.dataset.model import counted_pixels
from steelsight.imaging.regions import Region
from steelsight.imaging.rle import shared_area
from steelsight.inspector.artifact import InspectorCard
from steelsight.inspector.counted_part import counted_part
from steelsight.inspector.inspector import Inspector
from steelsight.metrics.classification import roc_auc
from steelsight.metrics.defect_figures import defect_figures
from steelsight.metrics.defects import Defects, Matched, match_runs
from steelsight.metrics.dice import dice_figures, pair_dice
from steelsight.metrics.intervals import Interval, bootstrap_interval, bootstrap_ratios, without_spread
from steelsight.run.record import Record
from steelsight.selection.later_figures import Figure, LaterFigures
from steelsight.verdicts.evaluated import EvaluationSet
from steelsight.verdicts.outcome import judge_outcome


def judge_later(inspector: Inspector, record: Record, progress: Callable[[int, int], None]) -> LaterFigures:
    """Judge `record.later`, which must not be empty, and sum up.

    Args:
        progress: called with (images done, images).

    Returns:
        Figures over the images that could be judged; the others are named.

    Raises:
        UserError: not one of them could be judged.
    """
    judged: list[int] = []
    p_defect: list[float] = []
    regions: list[tuple[Region, ...]] = []
    pixels: list[list[tuple[int, ...]]] = []  # of each class: shared, marked, true
    matched: list[list[Matched]] = []
    flags: list[tuple[str, ...]] = []
    partly = any(sample.ignored.area for sample in record.later)
    for index, said in enumerate(inspector.stream(sources_of(record.later), keep_maps=partly)):
        progress(index + 1, len(record.later))
        sample = record.later[index]
        if said.error is not None or said.size != sample.size:  # another image has come in its place
            continue
        judged.append(index)
        p_defect.append(said.p_defect)
        runs, found = counted_part(said, sample, inspector.card.rule)
        regions.append(found)
        flags.append(said.flags)
        both = list(zip(sample.runs, runs, strict=True))
        pixels.append([(shared_area(true, marked), marked.area, true.area) for true, marked in both])
        matched.append([match_runs(true, marked, height=sample.size[0]) for true, marked in both])
    if not judged:
        raise UserError(
            f"{record.later[0].path}: not one of the {len(record.later)} later images of the run can be judged; bring them "
            "back, and export again"
        )
    defects = Defects.gather(matched)
    counts = np.array(pixels, np.int64).reshape(len(judged), -1, 3)
    tested = EvaluationSet(
        kind="own",
        classes=record.classes,
        image_ids=tuple(record.later[index].image_id for index in judged),
        folds=np.zeros(len(judged), np.int64),
        groups=record.later_groups[judged],
        sizes=np.array([record.later[index].size for index in judged], np.int64).reshape(-1, 2),
        p_defect=np.array(p_defect, np.float64),
        truth=counts[:, :, 2],
        regions=tuple(regions),
        defects=defects,
        counted=counted_pixels([record.later[index] for index in judged]),
        flags=tuple(flags) if any(flags) else None,
        grouped_by=record.grouped_by,
    )
    gone = tuple(sample.image_id for index, sample in enumerate(record.later) if index not in set(judged))
    return _figures(inspector.card, record.later_from, tested, defects, counts, gone)


def _figures(
    card: InspectorCard,
    later_from: str,
    tested: EvaluationSet,
    defects: Defects,
    counts: NDArray[np.int64],
    unreadable: tuple[str, ...],
) -> LaterFigures:
    shared, marked, true = np.moveaxis(counts, 2, 0)
    dice, groups = pair_dice(shared, marked, true), tested.groups
    of_image, has, says = dice.mean(axis=1), true > 0, marked > 0
    summed = dice_figures(shared, marked, true)
    found = defect_figures(defects, len(dice), len(card.classes)).all

    def share(value: float, parts: NDArray[np.float64], wholes: NDArray[np.float64]) -> Figure:
        part, whole = parts.sum(axis=1), wholes.sum(axis=1)
        interval = without_spread(part, whole, groups) or bootstrap_ratios(part[:, None], whole[:, None], groups)[0]
        return _figure(value, interval)

    return LaterFigures(
        later_from=later_from,
        folds=card.provenance.folds,
        precision=card.precision,
        images=len(dice),
        defective=int(tested.defective.sum()),
        groups=int(np.unique(groups).size),
        unreadable=unreadable,
        dice=_figure(
            summed.dice, without_spread(of_image, np.ones(len(dice)), groups) or bootstrap_interval(of_image, groups)
        ),
        floor=summed.floor,
        defective_dice=share(summed.defective_dice, dice * has, has.astype(np.float64)),
        false_alarm_share=share(summed.false_alarm_share, (says & ~has) * 1.0, (~has) * 1.0),
        auc=_auc(tested),
        annotated=found.annotated,
        found=found.found,
        false_alarms=found.false_alarms,
        outcome=None if card.policy is None else judge_outcome(card.policy, tested),
    )


def _auc(tested: EvaluationSet) -> Figure:
    both = np.stack([tested.p_defect, tested.defective], axis=1)
    if np.isnan(tested.p_defect).any() or tested.defective.all() or not tested.defective.any():
        return Figure(None, None, None)

    def of(drawn: NDArray[np.float64]) -> float:
        truth = drawn[:, 1] > 0
        return math.nan if truth.all() or not truth.any() else roc_auc(drawn[:, 0], truth)

    return _figure(roc_auc(tested.p_defect, tested.defective), bootstrap_interval(both, tested.groups, of, draws=500))


def _figure(value: float, interval: Interval) -> Figure:
    ends = (None if math.isnan(end) else float(end) for end in interval)
    return Figure(None if math.isnan(value) else float(value), *ends)
