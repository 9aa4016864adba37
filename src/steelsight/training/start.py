"""A run's start, or its going on: what is checked before hours are spent, and before torch is imported."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from steelsight.core.commands import command
from steelsight.core.errors import UserError
from steelsight.core.files import resolved, sweep
from steelsight.dataset.choose_images import choose_images
from steelsight.dataset.folds import assign_folds
from steelsight.dataset.groups import TWIN_OF, KnownGroups, join_groups, named_kinds, read_groups
from steelsight.dataset.model import Dataset, Sample
from steelsight.dataset.split_by_time import LATER_SHARE, SplitByTime, split_by_time
from steelsight.dataset.twins import find_twins
from steelsight.dataset.within_roi import within
from steelsight.imaging.read import read_image
from steelsight.imaging.roi import choose_roi
from steelsight.networks.encoders import find_weights, require_weights
from steelsight.recipe import Member, Recipe, resolve
from steelsight.recipe.quick import QUICK
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.record import Record, fingerprint, write_record
from steelsight.run.resolved_recipe import write_run_recipe
from steelsight.run.run import Run
from steelsight.training.same_images import check_data, stay_at, with_images_at
from steelsight.training.same_labels import check_labels

_LOOKED_AT_FOR_COLOUR = 64


def check_start(run: Run, recipe: Recipe, *, resume: bool) -> None:
    """See that a training may begin in the folder, or go on in it, before images are read.

    Raises:
        UserError: there is a run and `resume` is not said, the folder holds something else, or a new run's recipe is
            refused by `check_recipe`.
    """
    if run.is_started:
        if not resume:
            raise UserError(f"{run}: there is a run already; go on with it by `resume=`, or choose another `out=`")
        return
    if run.path.exists() and not run.is_torn_start:
        raise UserError(f"{run}: exists and is not a run; choose another `out=`")
    check_recipe(recipe)


def check_recipe(recipe: Recipe) -> None:
    """See that what a recipe trains can be decided, and that the ImageNet weights that it names are on this machine.

    Raises:
        UserError: it has no segmenter, or some weights are not there.
    """
    if not any(member.step == "segment" for member in recipe.members):
        raise UserError(
            f"recipe {recipe.name!r}: no member has step segment, and a rule cuts masks, so that its run could not be "
            "decided; give it a segmenter, and train its classifiers alone by `only=`"
        )
    named = {member.encoder: member.name for member in recipe.members if member.weights == "imagenet"}
    absent = sorted(encoder for encoder in named if find_weights(encoder) is None)
    if len(absent) > 1:
        raise UserError(
            f"encoders {', '.join(absent)}: their ImageNet weights are not on this machine; download them with "
            f"`{command('weights add', all=True, from_hub=True)}`, or add a folder of files with "
            f"`{command('weights add', 'FOLDER', all=True)}`"
        )
    for encoder in absent:
        require_weights(encoder, named[encoder])


def start_run(
    run: Run,
    dataset: Dataset,
    recipe: Recipe,
    *,
    known: KnownGroups = MappingProxyType({}),
    limit: int | None = None,
    time: str | None = None,
    later_share: float = LATER_SHARE,
    progress: Callable[[int, int], None] | None = None,
) -> Run:
    """Resolve the recipe, find twins, assign folds, and write all of it down in a new RUN.

    Args:
        known: groups that belong together whatever their pixels say, of all samples and, behind them, all images without
            masks.
        limit: how many images are taken at most, see `choose_images`, none without masks among them; None for all.
        time: the kind of known group that says when an image was taken: then the later ones are held back, see
            `split_by_time`. It joins no images, or a coil that is rolled over midnight would make one group of two days.
            None to train on all.
        later_share: of the images that is held back at least.
        progress: told how many images were searched for twins, of how many.

    Raises:
        UserError: there are too few images for the folds, or for the recipe; or they cannot be split by time.
    """
    if not dataset.samples:
        raise UserError(f"{dataset.root}: no image is left to train on; see `steelsight data check {dataset.root}`")
    if not any(sample.is_defective for sample in dataset.samples):
        if dataset.without_masks:
            raise UserError(
                f"{dataset.root}: no image has a mask of a defect, and {len(dataset.without_masks)} have a class alone: "
                "classifiers learn from these, but segmenters and rule need masks; draw some, or let boxes count by "
                "`boxes=as-masks`"
            )
        raise UserError(f"{dataset.root}: no image shows a defect; training needs labelled defects")
    every = (*dataset.samples, *dataset.without_masks)
    joining = {kind: names for kind, names in known.items() if kind != time}
    alike = find_twins([sample.path for sample in every], progress=progress)
    all_groups = join_groups(alike, joining)
    held = _nothing_held(dataset, all_groups)
    if time is not None:
        held = _hold_back(dataset, all_groups, split_by_time(known, time, all_groups, later_share))
    samples, without_masks = held.earlier.samples, held.earlier.without_masks
    groups, others = np.split(held.groups, [len(samples)])
    if limit is not None:
        without_masks, others = (), others[:0]
        chosen = choose_images(samples, groups, limit, recipe.seed)
        samples = tuple(samples[index] for index in chosen)
        groups = np.unique(groups[chosen], return_inverse=True)[1].astype(np.int64)
    bits = None if dataset.depth is None else dataset.depth.bits
    grey = _is_grey(replace(dataset, samples=samples))
    recipe = resolve(recipe, dataset.classes, [sample.size for sample in samples], grey, bits)
    roi, grey = choose_roi(recipe.roi), recipe.sees_grey
    samples, without_masks, later = (within(of, roi, grey=grey) for of in (samples, without_masks, held.later))
    if not any(sample.is_defective for sample in samples):
        raise UserError(f"{dataset.root}: no image shows a defect in the region of interest; draw it larger (`roi=`)")
    taken = replace(dataset, samples=samples, without_masks=without_masks)
    folds = assign_folds(samples, groups, recipe.folds, recipe.seed)
    _check_folds(taken, folds)
    fold_of = dict(zip(groups.tolist(), folds.tolist(), strict=True))
    record = Record(
        root=taken.root,
        layout=taken.layout,
        classes=taken.classes,
        samples=samples,
        folds=folds,
        groups=groups,
        skipped=taken.faults,
        fingerprint=fingerprint(taken),
        without_masks=without_masks,
        their_folds=tuple(fold_of.get(group, -1) for group in others.tolist()),
        of_images=None if len(samples) == len(held.earlier.samples) else len(held.earlier.samples),
        later=later,
        later_groups=held.later_groups,
        later_from=held.later_from,
        notes=dataset.notes,
        remarks=dataset.remarks,
        ignored_classes=taken.ignored_classes,
        roi=roi,
        images_read=None if time is None and len(every) == len(samples) + len(without_masks) else len(every),
        grouped_by=named_kinds(joining),
        twins=_count_twins(samples, every, alike, joining),
    )
    sweep(run.path, below=False)
    write_record(run.path, record)
    write_run_recipe(run.path, recipe)
    return Run(run.path)


def _count_twins(
    samples: Sequence[Sample], every: Sequence[Sample], alike: NDArray[np.int64], known: KnownGroups
) -> int:
    """How many samples show the surface of another one: found to do so, or said to by the user."""
    surfaces = join_groups(alike, {kind: names for kind, names in known.items() if kind == TWIN_OF})
    of = dict(zip((sample.image_id for sample in every), surfaces.tolist(), strict=True))
    images = Counter(of[sample.image_id] for sample in samples)
    return sum(count for count in images.values() if count > 1)


@dataclass(frozen=True, eq=False)
class _HeldBack:
    """What is trained on with its groups, those of images without masks last; and what came later, with its own."""

    earlier: Dataset
    groups: NDArray[np.int64]
    later: tuple[Sample, ...]
    later_groups: NDArray[np.int64]
    later_from: str


def _nothing_held(dataset: Dataset, groups: NDArray[np.int64]) -> _HeldBack:
    return _HeldBack(dataset, groups, (), groups[:0], "")


def _hold_back(dataset: Dataset, groups: NDArray[np.int64], split: SplitByTime) -> _HeldBack:
    count = len(dataset.samples)
    later = split.later[:count]
    if not later.any():
        raise UserError(
            f"{dataset.root}: no image from {split.first} on has masks, and nothing is left to judge; ask for a larger share "
            "by `later=`"
        )
    earlier = replace(
        dataset,
        samples=tuple(compress(dataset.samples, split.earlier[:count])),
        without_masks=tuple(compress(dataset.without_masks, split.earlier[count:])),
    )
    of_earlier = join_groups(groups[split.earlier], {})  # counted anew, in the order of their first members
    return _HeldBack(earlier, of_earlier, tuple(compress(dataset.samples, later)), groups[:count][later], split.first)


def go_on(
    run: Run,
    recipe: Recipe,
    data: Path | Dataset,
    *,
    note: Callable[[str], None] = lambda _: None,
    progress: Callable[[int, int], None] | None = None,
) -> OutOfFoldPredictions:
    """The run that was begun, with its images where the data is now.

    Args:
        recipe: the one that is asked for; the run's own is what it goes on with.
        data: the folder of labelled images, or the CSV, JSON or XML in it; or what was read of it.
        note, progress: as of `check_labels`.

    Raises:
        UserError: the run has another recipe, the folder does not hold its images, or they have other labels; nothing is
            changed.
    """
    evidence = OutOfFoldPredictions.of(run)
    if evidence.recipe.name != recipe.name:
        began_quick = evidence.recipe.name == recipe.name + QUICK
        mend = "go on with it by `quick=`" if began_quick else "resume it with its own recipe"
        raise UserError(
            f"{run}: holds a run of recipe {evidence.recipe.name!r}, not {recipe.name!r}; {mend}, or choose another `out=`"
        )
    root = data.root if isinstance(data, Dataset) else data
    folder = resolved(root.parent if root.is_file() else root)
    is_moved = folder != resolved(evidence.record.root)
    if is_moved:
        evidence = with_images_at(evidence, folder)
    check_labels(evidence, data, note=note, progress=progress)
    return stay_at(evidence) if is_moved else evidence


def check_groups(evidence: OutOfFoldPredictions, groups: str | None, time: str | None) -> None:
    """See that a run that goes on keeps together and holds back what is asked for now.

    Args:
        groups: see `steelsight.dataset.groups.read_groups`; None for none.
        time: the kind of them that says when an image was taken; None where nothing is to be held back.

    Raises:
        UserError: its folds part such a group, or it trains on the later images.
    """
    record = evidence.record
    if time is not None and not record.later:
        raise UserError(
            f"`split_by_time={time}`: the run in {evidence.run} began without it, and has trained on the later images; "
            "choose another `out=`"
        )
    if groups is not None:
        known = read_groups(groups, [sample.image_id for sample in record.samples])
        joining = {kind: names for kind, names in known.items() if kind != time}
        if (join_groups(record.groups, joining) != record.groups).any():
            raise UserError(
                f"`groups={groups}`: the run in {evidence.run} began without these groups, and its folds part some of them; "
                "choose another `out=`"
            )


def check_unchanged(evidence: OutOfFoldPredictions, jobs: Sequence[tuple[Member, int]]) -> None:
    """Where jobs are still to be done, see that the images are those that the run began with.

    Raises:
        UserError: as `check_data`.
    """
    if not all(evidence.is_done(member, fold) for member, fold in jobs):
        check_data(evidence)


def _check_folds(dataset: Dataset, folds: NDArray[np.int64]) -> None:
    """Every fold must leave a defect to learn from."""
    held = {int(fold) for sample, fold in zip(dataset.samples, folds, strict=True) if sample.is_defective}
    if len(held) < 2:
        raise UserError(
            f"{dataset.root}: one fold holds out every image with a defect, since there is one or all are of one group, "
            "and nothing is left to learn from; cross-validation needs defects in at least two groups (coils, or surfaces)"
        )


def _is_grey(dataset: Dataset) -> bool:
    """Whether images are grey, by looking at some of them, spread over the data."""
    places = np.linspace(0, len(dataset.samples) - 1, _LOOKED_AT_FOR_COLOUR).astype(int)
    return all(read_image(dataset.samples[place].path).ndim == 2 for place in np.unique(places))
