"""One job's epochs: train, validate, log, keep, checkpoint."""

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from steelsight.core.errors import UserError
from steelsight.core.files import disk_errors, write_text
from steelsight.core.parsing import parse_json
from steelsight.dataset.model import Sample
from steelsight.imaging.read import read_image
from steelsight.metrics.classification import roc_auc
from steelsight.plots.training_curves import draw_progress
from steelsight.recipe import Member, Phase
from steelsight.recipe.model import Optimiser
from steelsight.run.run import JobFolder
from steelsight.training.checkpoint import Checkpoint, Weights, average_in
from steelsight.training.learning_rate import learning_rate
from steelsight.training.loading import Item, PlainImages, ReadImage, TrainingImages, plain_batches, training_batches
from steelsight.training.losses import images_of, weighted_loss
from steelsight.training.randomness import generator, seed_torch
from steelsight.training.sampling import epoch_order
from steelsight.training.soft_dice import SoftDice
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
        read: how an image file is read; an `ImageCache` where the training process loads by itself.
        start: weights of the segmenter, trained on the same fold, whose encoder the member starts from, where it does.
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
    whole: SeenWhole = field(default_factory=SeenWhole)

    @property
    def name(self) -> str:
        return f"{self.member.name}/fold{self.fold}"


@dataclass(frozen=True)
class Hooks:
    """Who is told: `on_step(images)` after each optimiser step, `on_epoch(log line)`, `tensorboard(folder)` or None."""

    on_step: Callable[[int], None]
    on_epoch: Callable[[dict[str, Any]], None]
    tensorboard: bool = False


def fit(job: TrainingJob, model: nn.Module, fabric: Fabric, workers: int, hooks: Hooks) -> Weights:
    """Train `model` from the job's last checkpoint, or from its start, and return the weights to keep (on the CPU)."""
    member = job.member
    state = _restore(job, model)
    wrapped = fabric.setup_module(model)
    optimiser: Any = None
    writer = _tensorboard(job.folder.path) if hooks.tensorboard and fabric.is_global_zero else None
    drawn = time.monotonic()
    for epoch in range(state.epoch, member.epochs):
        started = time.perf_counter()
        phase, phase_epoch = phase_of(member, epoch)
        if optimiser is None or phase_epoch == 0:
            optimiser = fabric.setup_optimizers(make_optimiser(phase.optimiser, model))
            if phase_epoch > 0:
                state.restore_optimiser(optimiser, job.folder.checkpoint)
        rate = learning_rate(phase.schedule, phase_epoch)
        for group in optimiser.param_groups:
            group["lr"] = rate
        seed_torch(job.seed, job.name, epoch, fabric.global_rank)
        line: dict[str, Any] = {"epoch": epoch, "phase": member.phases.index(phase), "learning_rate": rate}
        trained, images = _train_epoch(job, wrapped, optimiser, phase, epoch, fabric, workers, hooks)
        line |= trained
        training_seconds = time.perf_counter() - started
        if (epoch + 1) % member.validate_every == 0 or epoch == member.epochs - 1:
            line |= _validate(job, model, phase, fabric, workers)
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
                _to_tensorboard(writer, line)
            _checkpoint(state, member, model, optimiser, epoch + 1).save(job.folder.checkpoint)
            if epoch + 1 == member.epochs or time.monotonic() - drawn > _DRAWN_EVERY:
                draw_progress(job.folder.log, job.folder.progress, title=job.name)
                drawn = time.monotonic()
        fabric.barrier()
    if state.kept is None:
        raise UserError(f"{job.folder}: the checkpoint holds no weights to keep; delete the folder and `resume=`")
    return state.kept


def phase_of(member: Member, epoch: int) -> tuple[Phase, int]:
    """The phase that epoch (0-based over all phases) falls into, and its number within the phase."""
    for phase in member.phases:
        if epoch < phase.epochs:
            return phase, epoch
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
    workers: int,
    hooks: Hooks,
) -> tuple[dict[str, Any], int]:
    sampling = job.member.sampling
    size = min(sampling.device_batch, sampling.batch)
    if sampling.batch % (size * fabric.world_size):
        raise UserError(
            f"member {job.member.name}: batch {sampling.batch} is no multiple of device_batch {size} x "
            f"{fabric.world_size} devices; change it with `overrides=members.{job.member.name}.sampling.device_batch=`"
        )
    accumulate = sampling.batch // (size * fabric.world_size)
    order = epoch_order(sampling, job.training, job.classes, generator(job.seed, job.name, epoch))
    batches = _batches(job, order.tolist(), epoch, fabric, accumulate)
    figures = _Figures(job.member.step, len(job.classes))
    model.train()
    number = 0
    loaded = training_batches(_images(job), [batch.items for batch in batches], workers)
    for batch, (pixels, target) in zip(batches, loaded, strict=True):
        pixels, target = fabric.to_device((pixels, target))
        number += not batch.is_whole
        last = not batch.is_whole and number % accumulate == 0
        with fabric.no_backward_sync(model, enabled=not last):
            output = model(pixels.contiguous(memory_format=torch.channels_last))
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
        figures.update(logits, truth, float(shown.detach()))
    result = {f"train_{name}": value for name, value in figures.result().items()}
    if not math.isfinite(result["train_loss"]):
        raise UserError(
            f"{job.name}: the loss is no longer a number in epoch {epoch}; lower schedule.maximum, or train with "
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


def _images(job: TrainingJob) -> MixedImages:
    windows = TrainingImages(job.member, job.training, job.seed, job.name, job.read)
    whole = TrainingImages(as_seen_whole(job.member), job.whole.samples, job.seed, job.name, job.read)
    return MixedImages(windows, whole)


@torch.inference_mode()
def _validate(job: TrainingJob, model: nn.Module, phase: Phase, fabric: Fabric, workers: int) -> dict[str, Any]:
    """Figures on the fold; every device computes them whole, so that all keep the same weights."""
    sampling = job.member.sampling
    samples = [sample for sample in job.validation if sample.is_defective or sampling.defect_free_in_validation]
    figures = _Figures(job.member.step, len(job.classes))
    if not samples:
        return {}
    model.eval()
    batch = sampling.validation_batch or sampling.device_batch
    for pixels, target in plain_batches(PlainImages(job.member, samples, job.read), batch, workers):
        pixels, target = fabric.to_device((pixels, target))
        with fabric.autocast():
            logits = model(pixels.contiguous(memory_format=torch.channels_last))
        logits = logits.float()
        figures.update(logits, target, float(weighted_loss(phase.loss, logits, target)))
    return {f"valid_{name}": value for name, value in figures.result().items()}


class _Figures:
    """Loss, and accuracy and ROC AUC or the three Dice figures, over batches."""

    def __init__(self, step: str, classes: int) -> None:
        self._step, self._classes = step, classes
        self._losses: list[tuple[float, int]] = []
        self._said: list[float] = []
        self._defective: list[bool] = []
        self._dice = SoftDice()

    def update(self, logits: Tensor, target: Tensor, loss: float) -> None:
        self._losses.append((loss, len(target)))
        if self._step == "classify":
            self._said.extend(logits.tolist())
            self._defective.extend((target > 0.5).tolist())
        else:
            self._dice.update(logits.sigmoid(), target)

    def result(self) -> dict[str, Any]:
        count = sum(count for _, count in self._losses)
        result: dict[str, Any] = {"loss": sum(loss * count for loss, count in self._losses) / count}
        if self._step == "classify":
            said, defective = np.array(self._said), np.array(self._defective, np.bool_)
            auc = roc_auc(said, defective)
            result["accuracy"] = float(((said > 0) == defective).mean())
            return result | {"auc": None if math.isnan(auc) else auc}
        return result | self._dice.figures(self._classes)


def _keep(state: Checkpoint, member: Member, model: nn.Module, line: dict[str, Any], epoch: int) -> None:
    if member.keep.weights == "best":
        score = line.get("valid_accuracy" if member.step == "classify" else "valid_dice_image", float("-inf"))
        if state.kept is None or score > state.kept_score:
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


def _to_tensorboard(writer: Any, line: dict[str, Any]) -> None:
    for name, value in line.items():
        if isinstance(value, float):
            writer.add_scalar(name, value, line["epoch"])
    writer.flush()
