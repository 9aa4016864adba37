"""The experiment: prepares a RUN, then all its jobs, side by side or in turn; kept what is finished, resumed what is not."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from steelsight.core.errors import UserError
from steelsight.dataset.folds import assign_folds
from steelsight.dataset.groups import KnownGroups, join_groups
from steelsight.dataset.model import Dataset
from steelsight.dataset.twins import find_twins
from steelsight.imaging.read import read_image
from steelsight.recipe import Member, Recipe, resolve
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.record import Record, fingerprint, write_record
from steelsight.run.resolved_recipe import write_run_recipe
from steelsight.run.run import Run
from steelsight.training.augmentation_examples import draw_examples
from steelsight.training.cost_plan import Cost, cost
from steelsight.training.device_config import DeviceConfig, make_fabric
from steelsight.training.epochs import TrainingJob
from steelsight.training.job import is_done, make_job, run_job
from steelsight.training.job_layout import Arrangement, arrange, image_readers
from steelsight.training.parallel_jobs import Failure, not_begun, orders, time_side_by_side, train_side_by_side
from steelsight.training.progress import TrainingProgress, after_of
from steelsight.training.threads import limited_to
from steelsight.training.timing import time_steps

_LOOKED_AT_FOR_COLOUR = 64


def start_run(
    run: Run,
    dataset: Dataset,
    recipe: Recipe,
    *,
    known: KnownGroups = MappingProxyType({}),
    progress: Callable[[int, int], None] | None = None,
) -> Run:
    """Resolve the recipe, find twins, assign folds, and write all of it down in a new RUN.

    Args:
        known: groups that belong together whatever their pixels say, of all samples and, behind them, all images without
        masks. progress: told how many images were searched for twins, of how many.
    """
    if not any(sample.is_defective for sample in dataset.samples) and dataset.without_masks:
        raise UserError(
            f"{dataset.root}: no image has a mask of a defect, and {len(dataset.without_masks)} have a class alone: "
            f"classifiers "
            "learn from these, but segmenters and rule need masks; draw some, or let boxes count by `boxes=as-masks`"
        )
    if not dataset.samples:
        raise UserError(f"{dataset.root}: no image is left to train on; see `steelsight data check {dataset.root}`")
    if not any(sample.is_defective for sample in dataset.samples):
        raise UserError(f"{dataset.root}: no image shows a defect; training needs labelled defects")
    recipe = resolve(recipe, dataset.classes, [sample.size for sample in dataset.samples], _is_grey(dataset))
    every = (*dataset.samples, *dataset.without_masks)
    all_groups = join_groups(find_twins([sample.path for sample in every], progress=progress), known)
    groups, others = np.split(all_groups, [len(dataset.samples)])
    folds = assign_folds(dataset.samples, groups, recipe.folds, recipe.seed)
    _check_folds(dataset, folds)
    fold_of = dict(zip(groups.tolist(), folds.tolist(), strict=True))
    record = Record(
        root=dataset.root,
        layout=dataset.layout,
        classes=dataset.classes,
        samples=dataset.samples,
        folds=folds,
        groups=groups,
        skipped=dataset.faults,
        fingerprint=fingerprint(dataset),
        without_masks=dataset.without_masks,
        their_folds=tuple(fold_of.get(group, -1) for group in others.tolist()),
    )
    write_record(run.path, record)
    write_run_recipe(run.path, recipe)
    return Run(run.path)


def run_jobs(
    evidence: OutOfFoldPredictions,
    jobs: Sequence[tuple[Member, int]],
    machine: DeviceConfig,
    *,
    tensorboard: bool = False,
    worded: Callable[[str], str] = str,
) -> None:
    """Run the jobs that are not done yet; one that fails takes none with it but those that start from it.

    Args:
        worded: how a sentence of a job is told to who looks on, who may know parameters by other names.

    Raises:
        UserError: jobs have failed, when all others are done: the first one's reason, and which others.
    """
    draw_examples(evidence)
    waiting = [(member, fold) for member, fold in jobs if not is_done(evidence, member, fold)]
    if not waiting:
        return
    made = [make_job(evidence, member, fold) for member, fold in waiting]
    arrangement = arrange(evidence, made, machine)
    done = len(jobs) - len(made)
    if arrangement.place.most == 1:
        with limited_to(arrangement.threads):
            failures = _in_turn(evidence, made, machine, arrangement, done=done, tensorboard=tensorboard, worded=worded)
    else:
        with TrainingProgress(made, done=done, visible=True, place=arrangement.place, worded=worded) as progress:
            _say(progress, arrangement)
            failures = train_side_by_side(made, arrangement, orders(evidence, arrangement, tensorboard), progress)
    if failures:
        others = f"; not done either: {', '.join(failure.job for failure in failures[1:])}" if failures[1:] else ""
        raise UserError(f"{failures[0].job}: {failures[0].reason}{others}")


def plan_jobs(
    evidence: OutOfFoldPredictions, jobs: Sequence[tuple[Member, int]], machine: DeviceConfig
) -> tuple[Cost, Arrangement]:
    """What jobs will cost on this machine, each network timed as it will run; trains nothing that is kept."""
    made = [make_job(evidence, member, fold) for member, fold in jobs]
    arrangement = arrange(evidence, made, machine, measured=True)
    if arrangement.place.most == 1:
        fabric = make_fabric(machine, evidence.recipe)
        with limited_to(arrangement.threads):
            timed = {name: time_steps(job, fabric) for name, job in {job.member.name: job for job in made}.items()}
    else:
        timed = time_side_by_side(made, arrangement, orders(evidence, arrangement))
    return cost(made, [timed[job.member.name] for job in made], arrangement.memory, arrangement.place), arrangement


def _in_turn(
    evidence: OutOfFoldPredictions,
    jobs: Sequence[TrainingJob],
    machine: DeviceConfig,
    arrangement: Arrangement,
    *,
    done: int,
    tensorboard: bool,
    worded: Callable[[str], str],
) -> list[Failure]:
    """Jobs one after another in this process."""
    fabric = make_fabric(machine, evidence.recipe)
    reads = image_readers(evidence.recipe, arrangement.workers, arrangement.cache)
    failures: list[Failure] = []
    with TrainingProgress(jobs, done=done, visible=fabric.is_global_zero, worded=worded) as progress:
        _say(progress, arrangement)
        for job in (replace(job, read=reads[job.member.preprocess.colour]) for job in jobs):
            if after_of(job) in [failure.job for failure in failures]:
                failures.append(not_begun(job))
                continue
            try:
                run_job(job, evidence, fabric, arrangement.workers, progress.hooks(job, tensorboard=tensorboard))
            except UserError as error:
                if fabric.world_size > 1:  # the other devices may wait for this one within the job
                    raise
                failures.append(Failure(job.name, str(error)))
                progress.say(failures[-1].line)
            progress.end(job)
    return failures


def _say(progress: TrainingProgress, arrangement: Arrangement) -> None:
    for note in arrangement.notes:
        progress.say(note)


def _check_folds(dataset: Dataset, folds: NDArray[np.int64]) -> None:
    """Every fold must leave a defect to learn from."""
    held = {int(fold) for sample, fold in zip(dataset.samples, folds, strict=True) if sample.is_defective}
    if len(held) < 2:
        raise UserError(
            f"{dataset.root}: one fold holds out every image with a defect, since there is one or all are twins, and nothing "
            "is left to learn from; cross-validation needs defects on at least two surfaces"
        )


def _is_grey(dataset: Dataset) -> bool:
    """Whether images are grey, by looking at some of them, spread over the data."""
    places = np.linspace(0, len(dataset.samples) - 1, _LOOKED_AT_FOR_COLOUR).astype(int)
    return all(read_image(dataset.samples[place].path).ndim == 2 for place in np.unique(places))
