"""Every annotated defect and every region of the maps with its score, from what was said of each image without its fold.

Kept under RUN/evidence/defects, so that reporting again reads no map.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from steelsight.imaging.rle import decode_runs
from steelsight.metrics.froc import LEVELS, Scored, score_planes
from steelsight.run.cache import cached, key
from steelsight.selection.out_of_fold import NestedOutputs

_KIND = 1
"""Counted up when what is kept changes its form or meaning."""

_WIDTHS = (5, 5, LEVELS)


@dataclass(frozen=True, eq=False)
class ScoredDefects:
    """All images of a run, by the nested members; regions are cut at the lower threshold of the nested rule.

    Neither gate nor upper threshold nor minimum area take part: these decide how high a score must be.

    Attributes:
        annotated: int32 (n, 5): image, class, and the columns of `Scored.annotated`.
        marked: int32 (m, 5): image, class, and the columns of `Scored.marked`.
        levels: int32 (n, 256): pixels of each annotated defect at each value of its class's map.
    """

    annotated: NDArray[np.int32]
    marked: NDArray[np.int32]
    levels: NDArray[np.int32]


def score_defects(judged: NestedOutputs, progress: Callable[[int, int], None] | None = None) -> ScoredDefects:
    """Score the defects of every image of a run.

    Maps are read of images with a defect or with a pixel above a lower threshold alone.

    Args:
        progress: called with (images done, images).
    """
    evidence = judged.evidence
    parts: tuple[list[NDArray[np.int32]], ...] = ([], [], [])
    done = 0
    for fold in judged.rules:
        key_of_fold = _key(judged, fold)
        indices = evidence.indices(fold)

        @cache
        def made(fold: int = fold, before: int = done) -> tuple[NDArray[np.int32], ...]:
            tick = None if progress is None else lambda count: progress(before + count, len(evidence.record.samples))
            return _of_fold(judged, fold, tick)

        for place, (what, into, width) in enumerate(
            zip(("annotated", "marked", "levels"), parts, _WIDTHS, strict=True)
        ):
            path = evidence.run.defects_file(fold, key_of_fold, what)
            into.append(cached(path, (-1, width), np.int32, partial(_part, made, place)))
        done += len(indices)
        if progress:
            progress(done, len(evidence.record.samples))
    return ScoredDefects(*(np.concatenate(part) for part in parts))


def _part(made: Callable[[], tuple[NDArray[np.int32], ...]], place: int) -> NDArray[np.int32]:
    return made()[place]


def _of_fold(judged: NestedOutputs, fold: int, tick: Callable[[int], None] | None) -> tuple[NDArray[np.int32], ...]:
    parts: tuple[list[NDArray[np.int32]], ...] = tuple([np.zeros((0, width), np.int32)] for width in _WIDTHS)
    for done, index in enumerate(judged.evidence.indices(fold).tolist(), start=1):
        for place, scored in score_image(judged, index).items():
            for rows, into, names in zip(scored, parts, (True, True, False), strict=True):
                where = np.full((len(rows), 2), (index, place))
                into.append((np.hstack([where, rows]) if names else rows).astype(np.int32))
        if tick:
            tick(done)
    return tuple(np.concatenate(part) for part in parts)


def score_image(judged: NestedOutputs, index: int) -> dict[int, Scored]:
    """The defects of an image by class, of the classes that are annotated or above their lower threshold somewhere."""
    sample = judged.evidence.record.samples[index]
    rule = judged.rules[int(judged.evidence.record.folds[index])]
    lower, seen = rule.lower, judged.view.cut_at(rule.at)[index]
    wanted = [
        place for place, level in enumerate(lower) if sample.runs[place].area or seen[place, :, level + 1 :].any()
    ]
    if not wanted:
        return {}
    maps = judged.maps(index)
    return {
        place: score_planes(decode_runs(sample.runs[place], sample.size), maps[place], lower[place]) for place in wanted
    }


def _key(judged: NestedOutputs, fold: int) -> str:
    """16 hexadecimal digits that change with the maps of a fold, its truth, and the thresholds that regions are cut at."""
    rule = judged.rules[fold]
    cut = () if rule.at == "image" else (rule.at,)  # so that keys of before stay
    said = (_KIND, key(judged.evidence, judged.team.segmenters[fold], fold), rule.lower, *cut)
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]
