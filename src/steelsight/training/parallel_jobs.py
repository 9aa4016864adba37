"""Jobs side by side, each in a process of its own; one that fails takes none with it but those that start from it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from steelsight.core.errors import UserError
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.training.epochs import TrainingJob
from steelsight.training.job_layout import Arrangement
from steelsight.training.job_order import PendingJob, next_job
from steelsight.training.progress import TrainingProgress, after_of
from steelsight.training.timing import Timing
from steelsight.training.worker import Orders
from steelsight.training.worker_processes import Worker, WorkerMessage, Workers


@dataclass(frozen=True)
class Failure:
    """A job that is not done, and why, in one sentence."""

    job: str
    reason: str

    @property
    def line(self) -> str:
        return f"{self.job} failed: {self.reason}"


def not_begun(job: TrainingJob) -> Failure:
    """Of a job whose start is not there."""
    return Failure(job.name, f"it starts from {after_of(job)}, which failed")


def orders(evidence: OutOfFoldPredictions, arrangement: Arrangement, tensorboard: bool = False) -> Orders:
    """What the workers of a run are told."""
    return Orders(
        run=str(evidence.run),
        images=str(evidence.record.root),
        device=arrangement.device,
        threads=arrangement.threads,
        workers=arrangement.workers,
        cache=arrangement.cache,
        ranks=arrangement.ranks,
        trainings=arrangement.trainings,
        tensorboard=tensorboard,
    )


def train_side_by_side(
    jobs: Sequence[TrainingJob], arrangement: Arrangement, orders: Orders, progress: TrainingProgress
) -> list[Failure]:
    """Train all jobs that can be; returns those that could not.

    Raises:
        RuntimeError: a worker met what no user could have caused; the others are stopped, and resuming goes on with them.
    """
    named = {job.name: job for job in jobs}
    memory = arrangement.memory or [0.0] * len(jobs)
    waiting = [
        PendingJob(job.name, after=after_of(job), memory=needed) for job, needed in zip(jobs, memory, strict=True)
    ]
    failures: list[Failure] = []
    running: dict[str, PendingJob[str]] = {}
    idle: list[Worker] = []
    said: set[str] = set()

    def begin() -> None:
        while (job := next_job(waiting, list(running.values()), arrangement.place)) is not None:
            waiting.remove(job)
            running[job.what] = job
            worker = idle.pop() if idle else workers.start()
            progress.begin(named[job.what])
            workers.give(worker, named[job.what])
        while idle:  # what waits for nothing that it could do holds memory for nothing
            workers.dismiss(idle.pop())

    def end(worker: Worker, answer: WorkerMessage) -> None:
        job, worker.job = worker.job, None
        assert job is not None
        del running[job.name]
        progress.end(job)
        if "done" in answer or ("ended" not in answer and arrangement.ranks == 1):
            idle.append(worker)
        elif "ended" not in answer:  # of several that train together some may still wait for others
            workers.dismiss(worker)
        if "done" not in answer:
            failure = Failure(job.name, answer.get("failed") or answer["ended"])
            progress.say(failure.line)
            failures.append(failure)
            for lost in [other for other in waiting if other.after == job.name]:
                waiting.remove(lost)
                failures.append(not_begun(named[lost.what]))
        begin()

    with Workers(orders, arrangement.slots) as workers:
        begin()
        for worker, answer in workers.answers() if running else ():
            job = worker.job
            if "said" in answer and answer["said"] not in said:  # each of them says the same
                said.add(answer["said"])
                progress.say(answer["said"])
            if job is None or not answer.keys() - {"said", "ready"}:
                continue
            if "images" in answer:
                progress.step(job, answer["images"])
            elif "epoch" in answer:
                progress.epoch(job, answer["epoch"])
            elif "broken" in answer:
                raise RuntimeError(f"{job.name}:\n{answer['broken']}")
            else:
                end(worker, answer)
            if not running:
                break
    return failures


def time_side_by_side(jobs: Sequence[TrainingJob], arrangement: Arrangement, orders: Orders) -> dict[str, Timing]:
    """Time each member's network in as many processes at once as will train; the mean over them, by the member's name.

    Raises:
        UserError: a process ended, or could not do it.
    """
    memory = dict(zip((job.member.name for job in jobs), arrangement.memory or [0.0] * len(jobs), strict=True))
    timed: dict[str, Timing] = {}
    with Workers(orders, arrangement.slots) as workers:
        ready = [workers.start() for _ in range(arrangement.place.most)]
        answers = workers.answers()
        _gather(answers, "ready", len(ready))
        for name, job in {job.member.name: job for job in jobs}.items():
            fitting = max(1, min(len(ready), int(arrangement.place.memory // max(memory[name], 1.0))))
            for worker in ready[:fitting]:
                workers.give(worker, job, "time")
            found = [Timing(**answer) for answer in _gather(answers, "timed", fitting)]
            timed[name] = Timing(
                training_rate=fmean(one.training_rate for one in found),
                validation_rate=fmean(one.validation_rate for one in found),
                evidence_rate=fmean(one.evidence_rate for one in found),
                parameters=found[0].parameters,
            )
    return timed


def _gather(answers: Iterator[tuple[Worker, WorkerMessage]], what: str, count: int) -> list[Any]:
    """The next answers of a kind, one from each of so many workers."""
    found: list[Any] = []
    while len(found) < count:
        worker, answer = next(answers)
        if what in answer:
            found.append(answer[what])
        elif "said" not in answer:
            reason = answer.get("failed") or answer.get("ended") or answer["broken"]
            raise UserError(f"{worker.job.name if worker.job else 'a process'} could not be timed: {reason}")
    return found
