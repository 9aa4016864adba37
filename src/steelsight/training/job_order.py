"""Which job begins when: in the recipe's order, as soon as a core and memory are free and what it starts from is there."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class JobRoom:
    """Room for jobs side by side: `most` of them, in `memory` bytes together; a job that needs more runs alone."""

    most: int
    memory: float = float("inf")


@dataclass(frozen=True)
class PendingJob(Generic[T]):
    """A job that has not begun.

    Attributes:
        what: the job; after: the one that has to be done before it, None where none has to.
        memory: bytes that it takes.
        seconds: that it is expected to take.
    """

    what: T
    after: T | None = None
    memory: float = 0.0
    seconds: float = 0.0


def next_job(
    waiting: Sequence[PendingJob[T]], running: Sequence[PendingJob[T]], place: JobRoom, elsewhere: Collection[T] = ()
) -> PendingJob[T] | None:
    """The first that may begin now; None where none may before another has ended.

    Args:
        elsewhere: waiting ones that another process is at: they do not begin here, and what starts from them waits.
    """
    if len(running) >= place.most:
        return None
    ahead: set[T | None] = {job.what for job in (*waiting, *running)}
    taken = sum(job.memory for job in running)
    for job in (job for job in waiting if job.what not in elsewhere):
        if (job.after is None or job.after not in ahead) and (not running or taken + job.memory <= place.memory):
            return job
    return None


def duration(waiting: Sequence[PendingJob[T]], running: Sequence[PendingJob[T]], place: JobRoom) -> float:
    """Seconds until all are done, of which some run already and have `seconds` left.

    >>> jobs = [PendingJob("a", seconds=3), PendingJob("b", seconds=2), PendingJob("c", after="a", seconds=4)]
    >>> duration(jobs, [], JobRoom(1)), duration(jobs, [], JobRoom(2))
    (9.0, 7.0)
    """
    waiting, running, passed = list(waiting), list(running), 0.0
    while waiting or running:
        while (job := next_job(waiting, running, place)) is not None:
            waiting.remove(job)
            running.append(job)
        if not running:  # what is left waits for a job that is not among them
            break
        step = min(job.seconds for job in running)
        passed += step
        running = [replace(job, seconds=job.seconds - step) for job in running if job.seconds > step]
    return passed
