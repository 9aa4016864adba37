"""Fresh labelled images, judged by an inspector: evidence of its own, whatever networks it combines.

Images that are known by a label alone are judged like all others, and their label is held against the verdict: a bound on
escapes or overkill is about images. Nothing is held against masks that nobody drew.
"""

from collections.abc import Callable, Sequence
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from steelsight.cascade.judge import sees_grey
from steelsight.cascade.sources import sources_of
from steelsight.core.errors import UserError
from steelsight.dataset.layouts.image_labels import BAD
from steelsight.dataset.model import UNKNOWN, Dataset, Sample, counted_pixels
from steelsight.dataset.within_roi import within
from steelsight.imaging.regions import Region
from steelsight.imaging.rle import Runs
from steelsight.inspector.counted_part import counted_part
from steelsight.inspector.inspector import Inspector
from steelsight.inspector.training_images import are_fresh
from steelsight.metrics.defects import Defects, Matched, match_runs
from steelsight.verdicts.evaluated import EvaluationSet


def judge_fresh(
    inspector: Inspector,
    dataset: Dataset,
    groups: NDArray[np.int64],
    progress: Callable[[int, int], None],
    left_out: Callable[[Sequence[Sample]], None] = lambda samples: None,
    *,
    grouped_by: tuple[str, ...] = (),
) -> EvaluationSet:
    """Judge labelled images that no network of the inspector has seen, those with a label alone last.

    Args:
        groups: int64 (N,), groups of the samples, and then of the images without masks.
        left_out: is told which images look like ones that the networks were trained on, if some do; they are not judged.
        progress: called with (images done, images).
        grouped_by: the kinds of groups that the user named, as in `EvaluationSet`.

    Raises:
        UserError: an image was trained on or cannot be read, a network gave no probability for one, or the data has a class
            that the inspector does not know.
    """
    classes = inspector.classes
    place = _places(dataset, classes)
    every = (*dataset.samples, *dataset.without_masks)
    fresh = are_fresh(inspector.folder, every)
    samples, groups = tuple(compress(every, fresh)), groups[fresh]
    partly = [sample.ignored.area > 0 for sample in samples]
    samples = within(samples, inspector.card.roi, grey=sees_grey(inspector.engine("throughput")))
    if not fresh.all():
        left_out(tuple(compress(every, ~fresh)))
    truth = [_masks(sample, place, len(classes)) for sample in samples]
    p_defect = np.empty(len(samples))
    regions: list[tuple[Region, ...]] = []
    matched: list[list[Matched]] = []
    flags: list[tuple[str, ...]] = []
    for index, judged in enumerate(inspector.stream(sources_of(samples), keep_maps=any(partly))):
        if judged.is_unjudged:
            raise UserError(
                f"{judged.error}; nothing was decided again: leave the image out of the data (such an image always goes to "
                "review), or train and export again if many are like it"
            )
        if judged.error is not None:
            raise UserError(judged.error)
        p_defect[index] = judged.p_defect
        runs, found = counted_part(judged, samples[index], inspector.card.rule)
        regions.append(found)
        flags.append(judged.flags)
        matched.append([] if samples[index].shown else _match(truth[index], runs, samples[index].size[0]))
        progress(index + 1, len(samples))
    return EvaluationSet(
        kind="calibrated",
        classes=classes,
        image_ids=tuple(sample.image_id for sample in samples),
        folds=np.zeros(len(samples), np.int64),
        groups=groups,
        sizes=np.array([sample.size for sample in samples], np.int64).reshape(-1, 2),
        p_defect=p_defect,
        truth=np.array([[one.area for one in runs] for runs in truth], np.int64).reshape(-1, len(classes)),
        regions=tuple(regions),
        defects=Defects.gather(matched),
        counted=counted_pixels(samples),
        shown=_shown(samples, place, len(classes)) if any(sample.shown for sample in samples) else None,
        flags=tuple(flags) if any(flags) else None,
        grouped_by=grouped_by,
    )


def _match(truth: Sequence[Runs], marked: Sequence[Runs], height: int) -> list[Matched]:
    """The defects of each of the inspector's classes."""
    return [match_runs(*both, height=height) for both in zip(truth, marked, strict=True)]


def _places(dataset: Dataset, classes: Sequence[str]) -> list[int | None]:
    """Where each class of the data stands among the inspector's; None of one that no image shows."""
    every = (*dataset.samples, *dataset.without_masks)
    for index, name in enumerate(dataset.classes):
        if name not in classes and any(index in sample.classes for sample in every):
            raise UserError(
                f"{dataset.root}: class {name!r} is not one of the inspector's ({', '.join(classes)}); rename it, leave its "
                f"images out, or label them `{BAD}`, which names no class: an inspector cannot be judged on a class that it "
                "did not learn"
            )
    return [classes.index(name) if name in classes else None for name in dataset.classes]


def _masks(sample: Sample, place: Sequence[int | None], classes: int) -> list[Runs]:
    """The mask of each of the inspector's classes; all empty where some defect of the image is known by a label alone."""
    masks = [Runs.empty()] * classes
    if sample.shown:
        return masks
    for at, runs in zip(place, sample.runs, strict=True):
        if at is not None:
            masks[at] = runs
    return masks


def _shown(samples: Sequence[Sample], place: Sequence[int | None], classes: int) -> NDArray[np.bool_]:
    """See `EvaluationSet.shown`; a class that is drawn in part counts as named."""
    shown = np.zeros((len(samples), classes + 1), np.bool_)
    for row, sample in zip(shown, samples, strict=True):
        if sample.shown:
            row[[at for index in sample.classes if (at := place[index]) is not None]] = True
            row[classes] = UNKNOWN in sample.shown
    return shown
