"""How the jobs of a run are laid out on this machine: how many side by side, with how many threads, in how much memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from steelsight.imaging.roi import read_inside
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.run import Run
from steelsight.training.device_config import DeviceConfig
from steelsight.training.epochs import TrainingJob
from steelsight.training.fabric import accelerator
from steelsight.training.job_memory import USABLE, available_memory, fitting, job_memory
from steelsight.training.job_order import JobRoom
from steelsight.training.loading import CACHE, ImageCache, ReadImage, default_workers
from steelsight.training.threads import cores, threads_of

_CACHE_SHARE = 0.25  # of the available memory, at most


@dataclass(frozen=True)
class Arrangement:
    """How jobs run.

    Attributes:
        device: cpu or cuda.
        threads: of a job; None on a GPU, where they are left as they are.
        workers: loader processes of a job.
        cache: bytes of decoded images that the process of a job may keep.
        place: how many jobs at once, and in how much memory.
        memory: bytes that each job takes; None on a GPU.
        notes: what a user should know of it, sentences.
    """

    device: str
    threads: int | None
    workers: int
    cache: int
    place: JobRoom
    memory: tuple[float, ...] | None
    notes: tuple[str, ...]


def arrange(
    evidence: OutOfFoldPredictions, jobs: Sequence[TrainingJob], machine: DeviceConfig, *, measured: bool = False
) -> Arrangement:
    """Lay jobs out on a machine.

    Args:
        measured: whether the memory of the jobs is wanted even where only one runs at a time.
    """
    device = accelerator(machine)
    if device == "cuda":
        most = min(len(jobs), _wanted(machine, 1))
        return Arrangement(device, None, _workers(machine, device, most), CACHE // most, JobRoom(most), None, ())
    threads, known = threads_of(evidence.run)
    most = max(1, min(len(jobs), _wanted(machine, cores() // threads)))
    room = USABLE * available_memory()
    workers = _workers(machine, device, most)
    cache = int(min(CACHE, _CACHE_SHARE * room)) // most
    notes = _of_threads(evidence.run, threads, known)
    if most == 1 and not measured:
        return Arrangement(device, threads, workers, cache, JobRoom(1), (), notes)
    memory = _memory(evidence, jobs, 0 if workers else cache)
    place = JobRoom(min(most, fitting(memory, room)), room)
    return Arrangement(device, threads, workers, cache, place, memory, (*notes, *_of_memory(jobs, memory, most, place)))


def image_readers(evidence: OutOfFoldPredictions, workers: int, cache: int) -> dict[str, ReadImage]:
    """How images are read in each colour that a member wants: kept, where no loader processes are between, in `cache` bytes
    together."""
    colours = sorted({member.preprocess.colour for member in evidence.recipe.members})
    roi = evidence.record.roi
    return {
        colour: partial(read_inside, roi=roi, grey=colour == "grey")
        if workers
        else ImageCache(cache // len(colours), grey=colour == "grey", roi=roi)
        for colour in colours
    }


def _wanted(machine: DeviceConfig, default: int) -> int:
    """Jobs at once, before memory is asked."""
    if machine.devices != "auto" and machine.devices > 1:
        return 1  # all of them train one job
    return default if machine.parallel == "auto" else machine.parallel


def _workers(machine: DeviceConfig, device: str, most: int) -> int:
    if machine.workers is not None:
        return machine.workers
    workers = default_workers(device)
    return max(1, workers // most) if workers else 0


def _memory(evidence: OutOfFoldPredictions, jobs: Sequence[TrainingJob], cache: int) -> tuple[float, ...]:
    """Bytes of each job; members are looked at once."""
    samples, classes = evidence.record.samples, len(evidence.record.classes)
    members = {job.member.name: job.member for job in jobs}
    needed = {name: job_memory(member, classes, samples, cache) for name, member in members.items()}
    return tuple(needed[job.member.name] for job in jobs)


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
        return (f"fewer than {most} jobs at once if they do not fit in memory: {takes}",)
    return ()
