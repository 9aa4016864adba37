"""What a recipe will cost before it costs it: each distinct network is timed for a few steps, as it will train."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from steelsight.training.epochs import TrainingJob, validated
from steelsight.training.job_order import JobRoom, PendingJob, duration
from steelsight.training.progress import after_of
from steelsight.training.sampling import distinct_images, steps_per_epoch
from steelsight.training.timing import Timing
from steelsight.training.whole_images import whole_batch, whole_batches

_COMPRESSION = 0.15  # of stored 8-bit maps, mostly zero


@dataclass(frozen=True)
class MemberCost:
    """Cost of one member over all its planned folds.

    Attributes:
        jobs: folds; epochs: of each; steps: optimiser steps of each epoch (mean over folds).
        training_rate, validation_rate, evidence_rate: images/s of a job, measured here with as many beside it as will run.
        seconds: training, validation and evidence of all jobs, added up.
        device_hours: the same, times the devices of a job or its share of one.
        job_disk: bytes that a job keeps (weights and evidence; mean over folds); disk: all of them; working: bytes while a
            job runs (its checkpoint).
        memory: bytes that the process of a job takes at most, None where jobs have no process of their own.
    """

    member: str
    jobs: int
    epochs: int
    steps: int
    training_rate: float
    validation_rate: float
    evidence_rate: float
    seconds: float
    device_hours: float
    job_disk: float
    disk: float
    working: float
    memory: float | None


@dataclass(frozen=True)
class Cost:
    """Cost of all jobs.

    Attributes:
        at_once: jobs side by side; seconds: until the last is done.
    """

    members: tuple[MemberCost, ...]
    at_once: int
    seconds: float

    @property
    def device_hours(self) -> float:
        """Of all jobs."""
        return sum(member.device_hours for member in self.members)

    @property
    def disk(self) -> float:
        """Bytes that all jobs keep."""
        return sum(member.disk for member in self.members)


def cost(
    jobs: Sequence[TrainingJob],
    timings: Sequence[Timing],
    memory: Sequence[float] | None,
    place: JobRoom,
    devices: float = 1,
) -> Cost:
    """Cost of jobs, given the timing and the memory of each, where they run, and on how many devices each: on less than one
    where jobs share it."""
    needed = memory or [0.0] * len(jobs)
    seconds = [_seconds(job, timing) for job, timing in zip(jobs, timings, strict=True)]
    waiting = [
        PendingJob(job.name, after=after_of(job), memory=bytes_, seconds=taken)
        for job, bytes_, taken in zip(jobs, needed, seconds, strict=True)
    ]
    members = []
    for name in dict.fromkeys(job.member.name for job in jobs):
        of = [place for place, job in enumerate(jobs) if job.member.name == name]
        members.append(
            _member_cost(
                [jobs[place] for place in of],
                timings[of[0]],
                sum(seconds[place] for place in of),
                max(memory[place] for place in of) if memory else None,
                devices,
            )
        )
    return Cost(tuple(members), place.most, duration(waiting, [], place))


def _member_cost(
    jobs: Sequence[TrainingJob], timing: Timing, seconds: float, memory: float | None, devices: float
) -> MemberCost:
    member, sampling = jobs[0].member, jobs[0].member.sampling
    steps = [steps_per_epoch(sampling, distinct_images(sampling, job.training)) for job in jobs]
    evidence = sum(len(job.validation) for job in jobs)
    map_bytes = len(jobs[0].classes) * member.preprocess.height * member.preprocess.width * _COMPRESSION
    of_evidence = evidence * map_bytes if member.step == "segment" else 16.0 * evidence
    disk = 4.0 * timing.parameters * len(jobs) + of_evidence
    return MemberCost(
        member=member.name,
        jobs=len(jobs),
        epochs=member.epochs,
        steps=round(sum(steps) / len(steps)),
        training_rate=timing.training_rate,
        validation_rate=timing.validation_rate,
        evidence_rate=timing.evidence_rate,
        seconds=seconds,
        device_hours=seconds * devices / 3600,
        job_disk=disk / len(jobs),
        disk=disk,
        working=16.0 * timing.parameters,
        memory=memory,
    )


def _seconds(job: TrainingJob, timing: Timing) -> float:
    sampling, epochs = job.member.sampling, job.member.epochs
    windows = steps_per_epoch(sampling, distinct_images(sampling, job.training)) * sampling.batch
    images = (windows + _whole_as_windows(job, windows)) * epochs
    seen = len(validated(job)) * math.ceil(epochs / job.member.validate_every)  # after the last one in any case
    evidence = len(job.validation) / timing.evidence_rate
    return images / timing.training_rate + seen / timing.validation_rate + evidence


def _whole_as_windows(job: TrainingJob, windows: int) -> float:
    """What an epoch sees whole beside its windows, in windows of as many pixels."""
    batches = whole_batches(job.whole, job.member, windows)
    if not batches:
        return 0.0
    window, whole = job.member.training_preprocess, job.member.preprocess
    return batches * whole_batch(job.member) * (whole.height * whole.width) / (window.height * window.width)
