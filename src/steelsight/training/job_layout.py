"""How the jobs of a run are laid out on this machine: how many side by side, with how many threads, in how much memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from steelsight.core.cores import cores
from steelsight.networks.compiled import can_compile
from steelsight.recipe import Recipe
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.run import Run
from steelsight.training.batches import default_workers
from steelsight.training.device_config import DeviceConfig, check_count
from steelsight.training.epochs import TrainingJob
from steelsight.training.fabric import accelerator
from steelsight.training.job_memory import USABLE, available_memory, fitting, job_memory
from steelsight.training.job_order import JobRoom
from steelsight.training.kept_images import CACHE
from steelsight.training.slots import Slot, devices_together, share_devices
from steelsight.training.threads import threads_of

_CACHE_SHARE = 0.25  # of the available memory, at most


@dataclass(frozen=True)
class Arrangement:
    """How jobs run.

    Attributes:
        device: cpu or cuda.
        slots: where jobs run at once.
        ranks: processes that train a job together, one for each device of a slot.
        threads: of a process; None on a GPU, where they are left as they are.
        workers: loader processes of each of them.
        cache: bytes of decoded images that each may keep.
        place: how many jobs at once, and in how much memory.
        memory: bytes that each job takes; None on a GPU.
        notes: what a user should know of it, sentences.
    """

    device: Literal["cpu", "cuda"]
    slots: tuple[Slot, ...]
    ranks: int
    threads: int | None
    workers: int
    cache: int
    place: JobRoom
    memory: tuple[float, ...] | None
    notes: tuple[str, ...]

    @property
    def trainings(self) -> int:
        """Processes that train at once."""
        return self.place.most * self.ranks

    @property
    def devices(self) -> float:
        """Of a job: less than one where several jobs share it."""
        return self.ranks * len(set(self.slots)) / len(self.slots)

    @property
    def in_turn(self) -> bool:
        """Whether jobs run one after another in the process that asks for them: a notebook, say. A job for which there may be
        too little memory has a process of its own, so that the system ends that, and not the notebook."""
        return self.place.most == 1 and self.ranks == 1 and max(self.memory or (0.0,)) <= self.place.memory


def arrange(
    evidence: OutOfFoldPredictions, jobs: Sequence[TrainingJob], machine: DeviceConfig, *, measured: bool = False
) -> Arrangement:
    """Lay jobs out on a machine.

    Args:
        measured: whether the memory of the jobs is wanted even where only one runs at a time.
    """
    device = accelerator(machine)
    if device == "cuda":
        counted = torch.cuda.device_count()
        check_count(machine, counted)
        slots, ranks = _slots(evidence.recipe, machine, counted)
        most = min(len(jobs), len(slots))
        workers = _workers(machine, device, most * ranks)
        cache = int(_CACHE_SHARE * USABLE * available_memory()) // (most * ranks)
        notes = (*_of_ranks(evidence.recipe, ranks), *_of_compiler(evidence.recipe, device))
        return Arrangement(device, slots[:most], ranks, None, workers, cache, JobRoom(most), None, notes)
    threads, known = threads_of(evidence.run)
    slots, ranks = _slots(evidence.recipe, machine, cores() // threads)
    most = max(1, min(len(jobs), len(slots)))
    room = USABLE * available_memory()
    workers = _workers(machine, device, most * ranks)
    cache = int(min(CACHE, _CACHE_SHARE * room)) // (most * ranks)
    notes = (*_of_ranks(evidence.recipe, ranks), *_of_threads(evidence.run, threads, known))
    if most == 1 and ranks == 1 and not measured:
        return Arrangement(device, slots[:1], ranks, threads, workers, cache, JobRoom(1), (), notes)
    memory = tuple(ranks * needed for needed in _memory(evidence, jobs, cache))
    place = JobRoom(min(most, fitting(memory, room)), room)
    notes = (*notes, *_of_memory(jobs, memory, most, place))
    return Arrangement(device, slots[: place.most], ranks, threads, workers, cache, place, memory, notes)


def _slots(recipe: Recipe, machine: DeviceConfig, counted: int) -> tuple[tuple[Slot, ...], int]:
    """The slots, before memory is asked, and how many devices one has."""
    at_once = None if machine.parallel == "auto" else machine.parallel
    devices = max(1, counted) if machine.devices == "auto" else machine.devices
    ranks = devices_together(recipe, devices)
    return share_devices(devices, ranks, at_once), ranks


def _workers(machine: DeviceConfig, device: str, trainings: int) -> int:
    return default_workers(device, trainings) if machine.workers is None else machine.workers


def _memory(evidence: OutOfFoldPredictions, jobs: Sequence[TrainingJob], cache: int) -> tuple[float, ...]:
    """Bytes of each job; members are looked at once."""
    samples, classes = evidence.record.samples, len(evidence.record.classes)
    members = {job.member.name: job.member for job in jobs}
    needed = {name: job_memory(member, classes, samples, cache) for name, member in members.items()}
    return tuple(needed[job.member.name] for job in jobs)


def _of_ranks(recipe: Recipe, ranks: int) -> tuple[str, ...]:
    if ranks == recipe.devices_per_job:
        return ()
    return (f"the recipe lets {recipe.devices_per_job} devices train a job together; here it is {ranks}",)


def _of_compiler(recipe: Recipe, device: str) -> tuple[str, ...]:
    if not recipe.compile or can_compile(device):
        return ()
    return (
        "the recipe asks for compiled training steps, and there is no Triton or no C compiler: they run as they are",
    )


def _of_threads(run: Run, threads: int, known: bool) -> tuple[str, ...]:
    if not known:
        return (
            f"{run}: an earlier version began it and did not record its threads; its jobs go on with one each, so the last "
            "bits of their weights may differ",
        )
    return (f"{run}: began with {threads} threads a job, and goes on so",) if threads != 1 else ()


def _of_memory(jobs: Sequence[TrainingJob], memory: Sequence[float], most: int, place: JobRoom) -> tuple[str, ...]:
    largest = max(range(len(jobs)), key=lambda number: memory[number])
    free = f"{place.memory / 1e9:.1f} GB are free"
    takes = f"{jobs[largest].member.name} takes up to {memory[largest] / 1e9:.1f} GB, and {free}"
    if memory[largest] > place.memory:
        return (f"{takes}: it may not fit; a smaller sampling.device_batch takes less",)
    if sum(sorted(memory)[-most:]) > place.memory:
        return (f"memory may allow fewer than {most} jobs at once: {takes}",)
    return ()
