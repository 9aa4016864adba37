"""The loader of a job: its processes are made once and serve training, validation and evidence."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import cv2
import torch
from torch.utils.data import DataLoader, Dataset

from steelsight.core.cores import cores
from steelsight.core.errors import UserError
from steelsight.recipe import Member
from steelsight.training.kept_images import FORKS
from steelsight.training.loading import Item, JobImages, Raw, gather
from steelsight.training.to_input import RawBatch
from steelsight.training.whole_images import whole_batch

IN_FLIGHT = 512 * 2**20
"""Bytes of batches that the loader processes of a training on one device have made ahead, at most."""
_SHARED_MEMORY = Path("/dev/shm")
_OF_SHARED = 0.5
"""Share of what is free there. A container often grants 64 MB, and a process that takes more dies of a bus error."""
_AHEAD = 2  # batches that each process makes ahead
_BESIDE = 2  # batches that are already taken and still there
_MOST_WORKERS = 32


@dataclass(frozen=True)
class LoaderPlan:
    """Loader processes of a job, and batches that each makes ahead; 0 of both where the training process loads by itself."""

    workers: int
    ahead: int


def plan_loader(workers: int, batch: int, room: float) -> LoaderPlan:
    """As many processes as are wanted, or as `room` bytes hold batches of `batch` bytes for.

    >>> plan_loader(8, 4_000_000, 512e6), plan_loader(8, 4_000_000, 32e6), plan_loader(2, 40_000_000, 32e6)
    (LoaderPlan(workers=8, ahead=2), LoaderPlan(workers=6, ahead=1), LoaderPlan(workers=0, ahead=0))
    """
    fitting = int(room // batch) - _BESIDE
    workers = max(0, min(workers, fitting))
    return LoaderPlan(workers, min(_AHEAD, fitting // workers)) if workers else LoaderPlan(0, 0)


def batch_bytes(member: Member, classes: int, *, warped_later: bool, ignored: bool = False) -> int:
    """Bytes of the largest batch that a loader makes for a member: 8 bits a pixel, or float32 of images of 16 bit.

    Args:
        ignored: whether some have pixels that are not to be learned from, which are one more plane.
    """
    sampling = member.sampling
    finer = 4 if member.augment.zoom_at == "working" and not warped_later else 1
    deep = 4 if member.preprocess.bits is not None else 1
    planes = classes + ignored if member.step == "segment" or member.head == "cells" else 0
    sizes = []
    for preprocess, batch, each in (
        (member.training_preprocess, sampling.pass_batch, finer),
        (member.preprocess, sampling.validation_batch or sampling.device_batch, 1),
        (member.preprocess, whole_batch(member), 1),
    ):
        of_pixel = preprocess.channels * max(each, deep) + planes * each
        sizes.append(batch * preprocess.height * preprocess.width * of_pixel)
    return max(sizes)


def room_in_flight(trainings: int) -> float:
    """Bytes that the batches of one of so many trainings may take on their way."""
    try:
        free = shutil.disk_usage(_SHARED_MEMORY).free
    except OSError:  # a system that has none
        return IN_FLIGHT
    return min(IN_FLIGHT, _OF_SHARED * free / trainings)


def default_workers(device: str, trainings: int) -> int:
    """Loader processes: for each of so many trainings on GPUs its share of the cores; none beside a processor that trains,
    for they would take its cores."""
    return 0 if device == "cpu" else max(1, min(_MOST_WORKERS, cores() // trainings))


class JobLoader:
    """Batches of a job, by who asks for them; used as a context, since it ends the processes.

    Args:
        images: of the job.
        each: bytes of its largest batch.
        pinned: whether batches go to a GPU.
        workers: loader processes, no more than memory is there for.
        trainings: how many share that memory.
    """

    def __init__(self, images: JobImages, each: int, *, pinned: bool, workers: int, trainings: int = 1) -> None:
        plan = plan_loader(workers, each, room_in_flight(trainings) if workers else 0)
        self._asked: list[Sequence[Item | int]] = []
        more: dict[str, Any] = {}
        if plan.workers:
            more = {"prefetch_factor": plan.ahead, "persistent_workers": True, "worker_init_fn": _one_thread}
            if FORKS:
                more["multiprocessing_context"] = "fork"
        self._loader: DataLoader[Any] | None = DataLoader(
            _Sayable(images),
            batch_sampler=_Asked(self._asked),
            collate_fn=_gathered,
            num_workers=plan.workers,
            pin_memory=pinned,
            **more,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._loader = None

    def training(self, batches: Sequence[Sequence[Item]]) -> Iterator[RawBatch]:
        """Augmented images, each element of `batches` one batch.

        Raises:
            UserError: an image cannot be read, with the same sentence if a loader process reads it.
        """
        return self._load(batches)

    def plain(self, positions: Sequence[int], batch: int) -> Iterator[RawBatch]:
        """Images of the fold by their positions, as at inference."""
        return self._load([positions[start : start + batch] for start in range(0, len(positions), batch)])

    def _load(self, batches: Sequence[Sequence[Item | int]]) -> Iterator[RawBatch]:
        assert self._loader is not None
        self._asked[:] = batches
        return map(_unless_refused, self._loader)


@dataclass(frozen=True)
class _Refused:
    """Why an image cannot be had, one sentence. It travels in place of the image: of an error that a loader process raises,
    torch makes one whose text is a traceback, or which it cannot make at all."""

    sentence: str


class _Sayable(Dataset[Raw | _Refused]):
    """Images, or why they cannot be had."""

    def __init__(self, images: JobImages) -> None:
        self._images = images

    def __getitem__(self, item: Item | int) -> Raw | _Refused:
        try:
            return self._images[item]
        except UserError as error:
            return _Refused(str(error))


def _gathered(images: Sequence[Raw | _Refused]) -> RawBatch | _Refused:
    refused = next((image for image in images if isinstance(image, _Refused)), None)
    return refused or gather([image for image in images if not isinstance(image, _Refused)])


def _unless_refused(batch: RawBatch | _Refused) -> RawBatch:
    if isinstance(batch, _Refused):
        raise UserError(batch.sentence)
    return batch


class _Asked:
    """What is asked for next; the loader keeps its processes as long as it keeps its sampler."""

    def __init__(self, batches: list[Sequence[Item | int]]) -> None:
        self._batches = batches

    def __iter__(self) -> Iterator[list[Item | int]]:
        return iter([list(batch) for batch in self._batches])

    def __len__(self) -> int:
        return len(self._batches)


def _one_thread(_: int) -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
