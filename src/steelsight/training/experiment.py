"""The experiment: prepares a RUN, then all its jobs, side by side or in turn; kept what is finished, resumed what is not."""

import logging
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from lightning.fabric import Fabric
from numpy.typing import NDArray

from steelsight.dataset.folds import assign_folds
from steelsight.dataset.model import Dataset
from steelsight.dataset.record import Record, fingerprint, read_record, write_record
from steelsight.dataset.twins import find_twins
from steelsight.errors import UserError
from steelsight.evidence.store import Evidence
from steelsight.images import ImageError, read_image
from steelsight.networks.precision import gains_from_bf16
from steelsight.recipe import Member, Recipe, read_run_recipe, resolve, write_run_recipe
from steelsight.training.examples import draw_examples
from steelsight.training.job import is_done, make_job, run_job
from steelsight.training.loading import CACHE, ImageCache, ReadImage, default_workers
from steelsight.training.memory import keep_freed_memory
from steelsight.training.order import Place
from steelsight.training.progress import TrainingProgress, after_of
from steelsight.training.side_by_side import Failure, not_begun, train_side_by_side, waiting_jobs
from steelsight.training.threads import cores, limited_to, threads_of
from steelsight.training.worker import Orders

_log = logging.getLogger(__name__)
_LOOKED_AT_FOR_COLOUR = 64


@dataclass(frozen=True)
class Machine:
    """What to train on; `auto` takes the GPUs where there are any, workers None the default of the device; as many jobs
    at once as `parallel` says: with `auto` one on a GPU, on a processor as many as it has cores."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    devices: int | Literal["auto"] = "auto"
    workers: int | None = None
    parallel: int | Literal["auto"] = "auto"


def start_run(
    run: Path,
    dataset: Dataset,
    recipe: Recipe,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Evidence:
    """Resolve the recipe, find twins, assign folds, and write all of it down in a new RUN.

    Args:
        progress: told how many images were searched for twins, of how many.
    """
    if not dataset.samples:
        raise UserError(f"{dataset.root}: no image is left to train on; see `steelsight data check {dataset.root}`")
    if not any(sample.is_defective for sample in dataset.samples):
        raise UserError(f"{dataset.root}: no image shows a defect; training needs labelled defects")
    recipe = resolve(recipe, dataset.classes, [sample.size for sample in dataset.samples], _is_grey(dataset))
    groups = find_twins([sample.path for sample in dataset.samples], progress=progress)
    folds = assign_folds(dataset.samples, groups, recipe.folds, recipe.seed)
    _check_folds(dataset, folds)
    record = Record(
        root=dataset.root,
        layout=dataset.layout,
        classes=dataset.classes,
        samples=dataset.samples,
        folds=folds,
        groups=groups,
        skipped=dataset.faults,
        fingerprint=fingerprint(dataset),
    )
    write_record(run, record)
    write_run_recipe(run, recipe)
    return Evidence(run, record, recipe)


def open_run(run: Path) -> Evidence:
    """A run that `start_run` has written."""
    return Evidence(run, read_record(run), read_run_recipe(run))


def with_images_at(evidence: Evidence, root: Path) -> Evidence:
    """The run with its images in another folder: moved there, or seen there by another machine. Where the former folder is
    gone, the record names the new one from then on.

    Raises:
        UserError: the folder does not hold the very images that the run began with.
    """
    record = evidence.record
    moved = seen_at(evidence, root).record
    try:
        same = fingerprint(moved) == record.fingerprint
    except ImageError:
        same = False
    if not same:
        raise UserError(
            f"{root}: not the images that the run in {evidence.run} began with, which were in {record.root}; resume it with "
            "those, or choose another --out"
        )
    if not record.root.exists():
        write_record(evidence.run, moved)
    return Evidence(evidence.run, moved, evidence.recipe)


def seen_at(evidence: Evidence, root: Path) -> Evidence:
    """The run with the same images, which are known to be in `root`."""
    record = evidence.record
    if root == record.root:
        return evidence
    samples = (
        replace(sample, path=root / sample.path.relative_to(record.root))
        if sample.path.is_relative_to(record.root)
        else sample
        for sample in record.samples
    )
    return Evidence(evidence.run, replace(record, root=root, samples=tuple(samples)), evidence.recipe)


def check_data(evidence: Evidence) -> None:
    """Hold the images against those that the run began with: trained on others, its jobs would not be of one experiment.

    Raises:
        UserError: an image has changed since or is not there.
    """
    record = evidence.record
    if fingerprint(record) != record.fingerprint:
        raise UserError(
            f"{record.root}: the images are no longer those that the run in {evidence.run} began with; bring those back, or "
            "train the new ones into another --out"
        )


def make_fabric(machine: Machine, recipe: Recipe) -> Fabric:
    """Lightning Fabric for the devices, in the precision that the recipe asks for."""
    accelerator = _accelerator(machine)
    if accelerator == "cpu":
        keep_freed_memory()
    devices = machine.devices
    if devices == "auto":
        devices = torch.cuda.device_count() if accelerator == "cuda" else 1
    bf16 = recipe.precision == "bf16" or (recipe.precision == "auto" and gains_from_bf16(accelerator))
    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)  # it announces itself at each start
    fabric = Fabric(
        accelerator=accelerator,
        devices=devices,
        strategy="ddp" if devices > 1 else "auto",
        precision="bf16-mixed" if bf16 else "32-true",
    )
    fabric.launch()
    return fabric


def run_jobs(
    evidence: Evidence, jobs: Sequence[tuple[Member, int]], machine: Machine, *, tensorboard: bool = False
) -> None:
    """Run the jobs that are not done yet; one that fails takes none with it but those that start from it.

    Raises:
        UserError: a job has failed; its reason, or the first of several.
    """
    draw_examples(evidence)
    waiting = [(member, fold) for member, fold in jobs if not is_done(evidence.run, member, fold, evidence)]
    if not waiting:
        return
    device = _accelerator(machine)
    threads, known = threads_of(evidence.run)
    if not known:
        _log.warning("%s: begun by an earlier version; its jobs go on with one thread each", evidence.run)
    most = min(len(waiting), _side_by_side(machine, device, threads))
    workers = default_workers(device) if machine.workers is None else machine.workers
    done = len(jobs) - len(waiting)
    if most == 1:
        with limited_to(threads) if device == "cpu" else nullcontext():
            failures = _one_after_another(evidence, waiting, machine, workers, done=done, tensorboard=tensorboard)
    else:
        made = [make_job(evidence, member, fold) for member, fold in waiting]
        place = Place(most)
        orders = Orders(
            run=str(evidence.run),
            images=str(evidence.record.root),
            device=device,
            threads=threads,
            workers=workers,
            cache=CACHE // most,
            tensorboard=tensorboard,
        )
        with TrainingProgress(made, done=done, visible=True, place=place) as progress:
            failures = train_side_by_side(made, waiting_jobs(made, [0.0] * len(made)), place, orders, progress)
    if failures:
        raise UserError(_sentence(failures, evidence.run))


def image_readers(recipe: Recipe, workers: int, cache: int) -> dict[str, ReadImage]:
    """How images are read in each colour that a member wants: kept, where no loader processes are between, in `cache` bytes
    together."""
    colours = sorted({member.preprocess.colour for member in recipe.members})
    return {
        colour: partial(read_image, grey=colour == "grey")
        if workers
        else ImageCache(cache // len(colours), grey=colour == "grey")
        for colour in colours
    }


def _one_after_another(
    evidence: Evidence,
    waiting: Sequence[tuple[Member, int]],
    machine: Machine,
    workers: int,
    *,
    done: int,
    tensorboard: bool,
) -> list[Failure]:
    fabric = make_fabric(machine, evidence.recipe)
    reads = image_readers(evidence.recipe, workers, CACHE)
    made = [make_job(evidence, member, fold, reads[member.preprocess.colour]) for member, fold in waiting]
    with TrainingProgress(made, done=done, visible=fabric.is_global_zero) as progress:
        failures: list[Failure] = []
        for job in made:
            if after_of(job) in [failure.job for failure in failures]:
                failures.append(not_begun(job))
                continue
            try:
                run_job(job, evidence, fabric, workers, progress.hooks(job, tensorboard=tensorboard))
            except UserError as error:
                if fabric.world_size > 1:  # the other devices may wait for this one within the job
                    raise
                failures.append(Failure(job.name, str(error)))
                progress.say(failures[-1].line)
            progress.end(job)
    return failures


def _accelerator(machine: Machine) -> Literal["cpu", "cuda"]:
    if machine.device == "cpu":
        return "cpu"
    if torch.cuda.is_available():
        return "cuda"
    if machine.device == "cuda":
        raise UserError("--device cuda: torch sees no CUDA device here; use --device cpu, or install its driver")
    return "cpu"


def _side_by_side(machine: Machine, device: str, threads: int) -> int:
    """Jobs at once, before memory is asked."""
    if machine.devices != "auto" and machine.devices > 1:
        return 1  # all of them train one job
    if machine.parallel != "auto":
        return machine.parallel
    return 1 if device == "cuda" else max(1, cores() // threads)


def _sentence(failures: Sequence[Failure], run: Path) -> str:
    first = failures[0]
    others = f"; {len(failures) - 1} more not done: {', '.join(f.job for f in failures[1:])}" if failures[1:] else ""
    return f"{first.job}: {first.reason}{others}"


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
