"""One job's epochs: train, validate, log, keep, checkpoint."""

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from steelsight.core.errors import UserError
from steelsight.core.files import disk_errors, write_text
from steelsight.core.parsing import parse_json
from steelsight.dataset.model import Sample
from steelsight.imaging.read import read_image
from steelsight.networks.compiled import can_compile, compiled
from steelsight.plots.training_curves import draw_progress
from steelsight.recipe import Member, Phase
from steelsight.recipe.model import Optimiser
from steelsight.run.run import JobFolder
from steelsight.training.batches import JobLoader, batch_bytes
from steelsight.training.checkpoint import Checkpoint, Weights, average_in
from steelsight.training.checkpoint_writer import CheckpointWriter
from steelsight.training.figures import EpochFigures
from steelsight.training.kept_images import ReadImage
from steelsight.training.learning_rate import learning_rate
from steelsight.training.loading import Item, JobImages, PlainImages, TrainingImages
from steelsight.training.losses import images_of, weighted_loss
from steelsight.training.randomness import generator, seed_torch
from steelsight.training.sampling import epoch_order
from steelsight.training.to_input import ToInput
from steelsight.training.whole_images import Batch, MixedImages, SeenWhole, as_seen_whole, with_whole_images

_DRAWN_EVERY = 5.0  # seconds, and at the end: a picture takes as long as a short epoch

OPTIMISERS: dict[str, type[torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
}


@dataclass(frozen=True)
class TrainingJob:
    """A member on a fold: everything that its training depends on.

    Attributes:
        training, validation: samples outside and inside the fold.
        folder: RUN/jobs/<member>/fold<k>.
        read: how an image file is read, see `training/kept_images.py`.
        start: weights of the segmenter, trained on the same fold, whose encoder the member starts from, where it does.
        compile: whether its training steps are fused on a GPU.
        whole: images that it sees whole, beside the windows of `training`.
    """

    member: Member
    fold: int
    seed: int
    classes: tuple[str, ...]
    training: Sequence[Sample]
    validation: Sequence[Sample]
    folder: JobFolder
    read: ReadImage = read_image
    start: Path | None = None
    compile: bool = False
    whole: SeenWhole = field(default_factory=SeenWhole)

    @property
    def name(self) -> str:
        return f"{self.member.name}/fold{self.fold}"


def job_loader(job: TrainingJob, device: torch.device, workers: int, trainings: int = 1) -> JobLoader:
    """The loader of a job, see `JobLoader`; zooms at the working size are left to a GPU."""
    later = device.type != "cpu" and job.member.augment.zoom_at == "working"
    windows, whole = (
        TrainingImages(member, samples, job.seed, job.name, job.read, later)
        for member, samples in ((job.member, job.training), (as_seen_whole(job.member), job.whole.samples))
    )
    images = JobImages(MixedImages(windows, whole), PlainImages(job.member, job.validation, job.read))
    ignored = any(sample.ignored.area for sample in (*job.training, *job.validation))
    each = batch_bytes(job.member, len(job.classes), warped_later=later, ignored=ignored)
    return JobLoader(images, each, pinned=device.type == "cuda", workers=workers, trainings=trainings)


@dataclass(frozen=True)
class Hooks:
    """Who is told: `on_step(images)` after each optimiser step, `on_epoch(log line)`, `tensorboard(folder)` or None."""

    on_step: Callable[[int], None]
    on_epoch: Callable[[dict[str, Any]], None]
    tensorboard: bool = False


def fit(job: TrainingJob, model: nn.Module, fabric: Fabric, loader: JobLoader, hooks: Hooks) -> Weights:
    """Train `model` from the job's last checkpoint, or from its start, and return the weights to keep (on the CPU)."""
    with CheckpointWriter(job.folder.checkpoint) as writer:
        return _fit(job, model, fabric, loader, hooks, writer)


def _fit(
    job: TrainingJob,
    model: nn.Module,
    fabric: Fabric,
    loader: JobLoader,
    hooks: Hooks,
    checkpoints: CheckpointWriter,
) -> Weights:
    member = job.member
    state = _restore(job, model)
    wrapped = fabric.setup_module(trained_as(job, model, fabric))
    optimiser: Any = None
    writer = _tensorboard(job.folder.path) if hooks.tensorboard and fabric.is_global_zero else None
    drawn = time.monotonic()
    for epoch in range(state.epoch, member.epochs):
        started = time.perf_counter()
        number, phase_epoch = phase_of(member, epoch)
        phase = member.phases[number]
        if optimiser is None or phase_epoch == 0:
            optimiser = fabric.setup_optimizers(make_optimiser(phase.optimiser, model))
            if phase_epoch > 0:
                state.restore_optimiser(optimiser, job.folder.checkpoint)
        rate = learning_rate(phase.schedule, phase_epoch)
        for group in optimiser.param_groups:
            group["lr"] = rate
        seed_torch(job.seed, job.name, epoch, fabric.global_rank)
        line: dict[str, Any] = {"epoch": epoch, "phase": number, "learning_rate": rate}
        trained, images = _train_epoch(job, wrapped, optimiser, phase, epoch, fabric, loader, hooks)
        line |= trained
        training_seconds = time.perf_counter() - started
        if (epoch + 1) % member.validate_every == 0 or epoch == member.epochs - 1:
            line |= _validate(job, model, phase, fabric, loader)
        state.seconds += time.perf_counter() - started
        line |= {
            "seconds": round(time.perf_counter() - started, 3),
            "images_per_second": round(images / training_seconds, 2),
        }
        _keep(state, member, model, line, epoch)
        if fabric.is_global_zero:
            _log(job, line)
            hooks.on_epoch(line)
            if writer:
                _to_tensorboard(writer, line, job.classes)
            ended = epoch + 1 == member.epochs
            if ended or checkpoints.is_due():
                checkpoints.write(_checkpoint(state, member, model, optimiser, epoch + 1))
            if ended or time.monotonic() - drawn > _DRAWN_EVERY:
                draw_progress(job.folder.log, job.folder.progress, title=job.name)
                drawn = time.monotonic()
        fabric.barrier()
    if state.kept is None:
        raise UserError(f"{job.folder}: the checkpoint holds no weights to keep; delete the folder and `resume=`")
    return state.kept


def trained_as(job: TrainingJob, model: nn.Module, fabric: Fabric) -> nn.Module:
    """What a training step calls: the network itself, or on a GPU one over the same weights that is fused."""
    kind = fabric.device.type
    return compiled(model) if job.compile and kind == "cuda" and can_compile(kind) else model


def phase_of(member: Member, epoch: int) -> tuple[int, int]:
    """The place of the phase that epoch (0-based over all phases) falls into, and the epoch's number within the phase."""
    for number, phase in enumerate(member.phases):
        if epoch < phase.epochs:
            return number, epoch
        epoch -= phase.epochs
    raise ValueError("epoch lies beyond the last phase")


def make_optimiser(optimiser: Optimiser, model: nn.Module) -> torch.optim.Optimizer:
    """The recipe's optimiser over all weights; weight decay spares biases and normalisation (one-dimensional)."""
    decayed = [weight for weight in model.parameters() if weight.ndim > 1]
    spared = [weight for weight in model.parameters() if weight.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": optimiser.weight_decay}, {"params": spared, "weight_decay": 0.0}]
    make: Any = OPTIMISERS[optimiser.name]
    made: torch.optim.Optimizer = make(groups, lr=1e-3, betas=(optimiser.beta1, optimiser.beta2), eps=optimiser.epsilon)
    return made


def device_batches(order: Sequence[int], epoch: int, batch: int, rank: int, world: int) -> list[list[Item]]:
    """Cut an epoch's order into device batches; device `rank` of `world` takes every world-th."""
    items: list[Item] = [(int(index), epoch, place) for place, index in enumerate(order)]
    cut = [items[start : start + batch] for start in range(0, len(items), batch)]
    return cut[rank::world]


def _train_epoch(
    job: TrainingJob,
    model: Any,
    optimiser: Any,
    phase: Phase,
    epoch: int,
    fabric: Fabric,
    loader: JobLoader,
    hooks: Hooks,
) -> tuple[dict[str, Any], int]:
    sampling = job.member.sampling
    size = sampling.pass_batch
    accumulate = sampling.batch // (size * fabric.world_size)
    order = epoch_order(sampling, job.training, job.classes, generator(job.seed, job.name, epoch))
    batches = _batches(job, order.tolist(), epoch, fabric, accumulate)
    figures, to_input = EpochFigures(job.member.step, len(job.classes)), ToInput.of(job.member)
    model.train()
    number = 0
    for batch, raw in zip(batches, loader.training([batch.items for batch in batches]), strict=True):
        pixels, target = to_input(fabric.to_device(raw))
        number += not batch.is_whole
        last = not batch.is_whole and number % accumulate == 0
        with fabric.no_backward_sync(model, enabled=not last):
            output = model(pixels)
            if batch.is_whole:  # its cells are not known; each image weighs as much as a window
                loss = weighted_loss(phase.loss, images_of(output), target)
                fabric.backward(loss * (len(batch.items) / (size * accumulate)))
                continue
            loss = weighted_loss(phase.loss, output, target)
            fabric.backward(loss / accumulate)
        if last:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            hooks.on_step(size * accumulate * fabric.world_size)
        logits, truth = images_of(output).detach().float(), images_of(target)
        # without the cells' term, which validation has none to compare with
        shown = loss if isinstance(output, Tensor) else weighted_loss(phase.loss, logits, truth)
        figures.update(logits, truth, shown)
    result = {f"train_{name}": value for name, value in figures.result().items()}
    if not math.isfinite(result["train_loss"]):
        raise UserError(
            f"{job.name}: the loss is no longer a number in epoch {epoch + 1}; lower schedule.maximum, or train with "
            "`overrides=precision=fp32`"
        )
    return result, len(order)


def _batches(job: TrainingJob, order: Sequence[int], epoch: int, fabric: Fabric, per_step: int) -> list[Batch]:
    """The device batches of an epoch's order, with the images that are seen whole among them."""
    member, rank, world = job.member, fabric.global_rank, fabric.world_size
    size = min(member.sampling.device_batch, member.sampling.batch)
    return with_whole_images(
        device_batches(order, epoch, size, rank, world),
        job.whole,
        member,
        epoch,
        generator(job.seed, f"{job.name}/whole", epoch),
        rank=rank,
        world=world,
        per_step=per_step,
        behind=len(job.training),
    )


@torch.inference_mode()
def _validate(job: TrainingJob, model: nn.Module, phase: Phase, fabric: Fabric, loader: JobLoader) -> dict[str, Any]:
    """Figures on the fold; every device computes them whole, so that all keep the same weights."""
    sampling = job.member.sampling
    shown = validated(job)
    figures, to_input = EpochFigures(job.member.step, len(job.classes)), ToInput.of(job.member)
    if not shown:
        return {}
    model.eval()
    for raw in loader.plain(shown, sampling.validation_batch or sampling.device_batch):
        pixels, target = to_input(fabric.to_device(raw))
        with fabric.autocast():
            logits = model(pixels)
        logits = logits.float()
        figures.update(logits, target, weighted_loss(phase.loss, logits, target))
    return {f"valid_{name}": value for name, value in figures.result().items()}


def validated(job: TrainingJob) -> list[int]:
    """Positions of the images of the fold that the validation of an epoch sees."""
    every = job.member.sampling.defect_free_in_validation
    return [place for place, sample in enumerate(job.validation) if every or sample.is_defective]


def _keep(state: Checkpoint, member: Member, model: nn.Module, line: dict[str, Any], epoch: int) -> None:
    if member.keep.weights == "best":
        score = line.get("valid_accuracy" if member.step == "classify" else "valid_dice_image", float("-inf"))
        unjudged = state.kept_score == float("-inf")  # the last epoch while none could be validated: best there is not
        if state.kept is None or unjudged or score > state.kept_score:
            state.kept, state.kept_score = average_in(None, model.state_dict(), 0), score
    elif epoch >= member.epochs - member.keep.last:
        state.kept = average_in(state.kept, model.state_dict(), state.kept_count)
        state.kept_count += 1


def _checkpoint(state: Checkpoint, member: Member, model: nn.Module, optimiser: Any, epoch: int) -> Checkpoint:
    """What going on from the start of `epoch` needs: no optimiser where a phase begins, no more than `kept` at the end."""
    ended = epoch == member.epochs
    state.epoch, state.model = epoch, {} if ended else model.state_dict()
    state.optimiser = {} if ended or phase_of(member, epoch)[1] == 0 else optimiser.state_dict()
    return state


def _restore(job: TrainingJob, model: nn.Module) -> Checkpoint:
    """The last checkpoint, its weights loaded and log lines of later epochs cut off; or a fresh start."""
    path, log = job.folder.checkpoint, job.folder.log
    state = Checkpoint.load(path) if path.is_file() else Checkpoint(epoch=0, model={}, optimiser={})
    if state.epoch > job.member.epochs:
        raise UserError(
            f"{path}: it has {state.epoch} epochs, the recipe asks for {job.member.epochs}; delete it, and `resume=` starts "
            "this job anew"
        )
    state.restore_model(model, path)
    lines = log.read_text("utf-8", errors="replace").splitlines() if log.is_file() else []
    write_text(log, "".join(line + "\n" for line in lines if _is_before(line, state.epoch)))
    return state


def _is_before(line: str, epoch: int) -> bool:
    """Whether a line of the log is whole, and of an epoch that the checkpoint has: a killed run may tear one anywhere."""
    try:
        row = parse_json(line)
    except ValueError:
        return False
    return isinstance(row, dict) and type(row.get("epoch")) is int and row["epoch"] < epoch


def _log(job: TrainingJob, line: dict[str, Any]) -> None:
    path = job.folder.log
    with disk_errors(path), path.open("a", encoding="utf-8", newline="\n") as log:
        log.write(json.dumps(line) + "\n")


def _tensorboard(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise UserError(
            "`tensorboard=` needs the package tensorboard: pip install 'steelsight[tensorboard]'"
        ) from error
    return SummaryWriter(folder / "tensorboard")


def _to_tensorboard(writer: Any, line: dict[str, Any], classes: Sequence[str]) -> None:
    """Figures under their names; those of each class under `NAME/CLASS`."""
    figures = {name: value for name, value in line.items() if isinstance(value, float)}
    for name, values in line.items():
        if isinstance(values, list):
            figures |= {f"{name}/{of}": value for of, value in zip(classes, values, strict=True) if value is not None}
    for name, value in figures.items():
        writer.add_scalar(name, value, line["epoch"])
    writer.flush()
