"""Fresh labelled images, judged by an inspector: evidence of its own, whatever networks it combines."""

from collections.abc import Callable, Sequence
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from steelsight.cascade.judge import sees_grey
from steelsight.cascade.sources import sources_of
from steelsight.core.errors import UserError
from steelsight.dataset.model import Dataset, Sample, counted_pixels
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
) -> EvaluationSet:
    """Judge labelled images that no network of the inspector has seen.

    Args:
        groups: int64 (N,), twin groups of the samples.
        left_out: is told which images look like ones that the networks were trained on, if some do; they are not judged.
        progress: called with (images done, images).

    Raises:
        UserError: an image was trained on or cannot be read, a network gave no probability for one, or the data has a class
            that the inspector does not know.
    """
    classes = inspector.classes
    place = _places(dataset, classes)
    fresh = are_fresh(inspector.folder, dataset.samples)
    samples, groups = tuple(compress(dataset.samples, fresh)), groups[fresh]
    partly = [sample.ignored.area > 0 for sample in samples]
    samples = within(samples, inspector.card.roi, grey=sees_grey(inspector.engine("throughput")))
    if not fresh.all():
        left_out(tuple(compress(dataset.samples, ~fresh)))
    truth = [_masks(sample, place, len(classes)) for sample in samples]
    p_defect = np.empty(len(samples))
    regions: list[tuple[Region, ...]] = []
    matched: list[list[Matched]] = []
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
        matched.append(_match(truth[index], runs, samples[index].size[0]))
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
    )


def _match(truth: Sequence[Runs], marked: Sequence[Runs], height: int) -> list[Matched]:
    """The defects of each of the inspector's classes."""
    return [match_runs(*both, height=height) for both in zip(truth, marked, strict=True)]


def _places(dataset: Dataset, classes: Sequence[str]) -> list[int | None]:
    """Where each class of the data stands among the inspector's; None of one that no image shows."""
    for index, name in enumerate(dataset.classes):
        if name not in classes and any(sample.runs[index].area for sample in dataset.samples):
            raise UserError(
                f"{dataset.root}: class {name!r} is not one of the inspector's ({', '.join(classes)}); rename it, or "
                "leave its images out: an inspector cannot be judged on a class that it did not learn"
            )
    return [classes.index(name) if name in classes else None for name in dataset.classes]


def _masks(sample: Sample, place: Sequence[int | None], classes: int) -> list[Runs]:
    """The mask of each of the inspector's classes."""
    masks = [Runs.empty()] * classes
    for at, runs in zip(place, sample.runs, strict=True):
        if at is not None:
            masks[at] = runs
    return masks
