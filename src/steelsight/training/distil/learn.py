"""A student's training: the loop of `steelsight.training.epochs` over soft targets, from a teacher's weights, resumable."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save
from torch import nn

from steelsight.core.errors import UserError
from steelsight.core.files import disk_errors, sweep, write_bytes, write_json
from steelsight.core.lock import Lock
from steelsight.core.parsing import parse_json
from steelsight.dataset.model import Sample
from steelsight.imaging.roi import Roi
from steelsight.networks.member import build_member
from steelsight.networks.processor_training import for_processor_training
from steelsight.networks.torch_engine import TorchNetwork
from steelsight.recipe import Member, Recipe
from steelsight.run.job_log import read_log
from steelsight.run.run import JobFolder
from steelsight.training.batches import JobLoader, batch_bytes, default_workers
from steelsight.training.checkpoint import Checkpoint
from steelsight.training.device_config import DeviceConfig
from steelsight.training.distil.answers import Answers
from steelsight.training.distil.soft_images import SoftImages
from steelsight.training.epochs import Hooks, TrainingJob, fit
from steelsight.training.fabric import accelerator, make_fabric
from steelsight.training.kept_images import image_readers
from steelsight.training.loading import JobImages, PlainImages
from steelsight.training.sampling import distinct_images, steps_per_epoch
from steelsight.training.threads import THREADS, limited_to

_CACHE = 2**30  # bytes of decoded images


@dataclass(frozen=True)
class StudentJob(TrainingJob):
    """A student on all images: it has no fold."""

    @property
    def name(self) -> str:
        return self.member.name


@dataclass(frozen=True)
class Lesson:
    """What students learn from.

    Attributes:
        samples: the images as if the ensemble had labelled them; numbers: of each, that of its answer.
    """

    recipe: Recipe
    classes: tuple[str, ...]
    samples: Sequence[Sample]
    numbers: Sequence[int]
    answers: Answers
    roi: Roi | None


def learn(
    member: Member, start: Path, folder: JobFolder, lesson: Lesson, progress: Callable[[int, int], None]
) -> tuple[TorchNetwork, float]:
    """The trained student, and how many seconds its training took, what an earlier process did included; one that is done
    already is read.

    Args:
        start: weights that it starts from.
        progress: called with (images seen, images that will be).

    Raises:
        UserError: another process trains it, or the weights are not those of the member.
    """
    job = StudentJob(
        member=member,
        fold=0,
        seed=lesson.recipe.seed,
        classes=lesson.classes,
        training=lesson.samples,
        validation=(),
        folder=folder,
    )
    with disk_errors(folder.path):
        folder.path.mkdir(parents=True, exist_ok=True)
    lock = Lock(folder.lock, f"{folder}: another process trains it; wait for that one or end it", needed=False)
    lock.take()
    try:
        if not folder.done.is_file():
            with limited_to(THREADS if accelerator(DeviceConfig()) == "cpu" else None):
                _train(job, start, lesson, progress)
    finally:
        lock.release()
    model = build_member(member, len(lesson.classes))
    _load(model, folder.weights, member)
    model.to(memory_format=torch.channels_last).eval()
    network = TorchNetwork(member.preprocess, model, torch.device("cpu"), "fp32", member.name)
    return network, _seconds(folder.done)


def _train(job: StudentJob, start: Path, lesson: Lesson, progress: Callable[[int, int], None]) -> None:
    member, folder = job.member, job.folder
    sweep(folder.path)
    kind = accelerator(DeviceConfig())
    fabric = make_fabric(kind, lesson.recipe)
    workers = default_workers(kind, 1)
    model = build_member(member, len(lesson.classes))
    _load(model, start, member)
    model.to(memory_format=torch.channels_last)
    if kind == "cpu":
        for_processor_training(model)
    steps = steps_per_epoch(member.sampling, distinct_images(member.sampling, lesson.samples))
    each = steps * member.sampling.batch
    done = each * (Checkpoint.load(folder.checkpoint).epoch if folder.checkpoint.is_file() else 0)
    counted = _Counted(done, each * member.epochs, progress)
    readers = image_readers([member], lesson.samples, workers, _CACHE, lesson.roi, grey=lesson.recipe.sees_grey)
    read = readers[member.name]
    windows = SoftImages(member, lesson.samples, lesson.numbers, lesson.answers, job.seed, job.name, read)
    ignored = any(sample.ignored.area for sample in lesson.samples)
    size = batch_bytes(member, len(lesson.classes), warped_later=False, ignored=ignored)
    images = JobImages(windows, PlainImages(member, (), read))
    with JobLoader(images, size, pinned=kind == "cuda", workers=workers) as loader:
        weights = fit(job, model, fabric, loader, Hooks(counted.step, lambda line: None))
    write_bytes(folder.weights, save({name: kept.contiguous() for name, kept in weights.items()}))
    seconds, learned = read_log(folder.log).seconds, len(lesson.samples)
    write_json(folder.done, {"network": member.name, "epochs": member.epochs, "images": learned, "seconds": seconds})
    folder.checkpoint.unlink(missing_ok=True)


@dataclass
class _Counted:
    """Images that a training has seen."""

    done: int
    of: int
    progress: Callable[[int, int], None]

    def __post_init__(self) -> None:
        self.progress(self.done, self.of)

    def step(self, images: int) -> None:
        self.done += images
        self.progress(self.done, self.of)


def _load(model: nn.Module, path: Path, member: Member) -> None:
    try:
        model.load_state_dict(load_file(path))
    except Exception as error:  # see `steelsight.networks.weights`
        raise UserError(
            f"{path}: not the weights of {member.name}; delete its folder, and make it again with `resume=`"
        ) from error


def _seconds(done: Path) -> float:
    content = parse_json(done.read_text("utf-8"))
    value = content.get("seconds") if isinstance(content, dict) else None
    return float(value) if isinstance(value, int | float) else 0.0
