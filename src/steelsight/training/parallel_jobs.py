"""Jobs side by side, each in a process of its own; one that fails takes none with it but those that start from it."""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from steelsight.core.errors import UserError
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.training.epochs import TrainingJob
from steelsight.training.job_layout import Arrangement
from steelsight.training.job_order import PendingJob, next_job
from steelsight.training.other_trainings import LOOK_EVERY, OtherTrainings
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
    jobs: Sequence[TrainingJob],
    arrangement: Arrangement,
    orders: Orders,
    progress: TrainingProgress,
    others: OtherTrainings,
) -> list[Failure]:
    """Train all jobs that can be; returns those that could not.

    Raises:
        RuntimeError: a worker met what no user could have caused; the others are stopped, and resuming goes on with them.
    """
    memory = arrangement.memory or [0.0] * len(jobs)
    with Workers(orders, arrangement.slots) as workers:
        side = _SideBySide({job.name: job for job in jobs}, arrangement, workers, progress, others)
        side.waiting = [
            PendingJob(job.name, after=after_of(job), memory=needed) for job, needed in zip(jobs, memory, strict=True)
        ]
        return side.train()


@dataclass(eq=False)
class _SideBySide:
    """Jobs that wait, those that run, and the workers."""

    jobs: Mapping[str, TrainingJob]
    arrangement: Arrangement
    workers: Workers
    progress: TrainingProgress
    others: OtherTrainings
    waiting: list[PendingJob[str]] = field(default_factory=list)
    running: dict[str, PendingJob[str]] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    idle: list[Worker] = field(default_factory=list)
    said: set[str] = field(default_factory=set)
    _looked: float = float("-inf")

    def train(self) -> list[Failure]:
        self._begin()
        while self.running or self.waiting:
            if (heard := self.workers.hear(LOOK_EVERY)) is not None:
                self._take(*heard)
            if time.monotonic() - self._looked >= LOOK_EVERY:  # others may have let go of a job
                self._begin()
        return self.failures

    def _begin(self) -> None:
        """Begin what may, on this side of what other trainings are at."""
        self._looked = time.monotonic()
        if len(self.running) < self.arrangement.place.most:
            self._leave_out(self.others.done(self._of_waiting()))
            taken = self.others.taken(self._of_waiting())
            while (
                job := next_job(self.waiting, list(self.running.values()), self.arrangement.place, taken)
            ) is not None:
                self.waiting.remove(job)
                self.running[job.what] = job
                worker = self.idle.pop() if self.idle else self.workers.start()
                self.progress.begin(self.jobs[job.what])
                self.workers.give(worker, self.jobs[job.what])
        while self.idle:  # what waits for nothing that it could do holds memory for nothing
            self.workers.dismiss(self.idle.pop())

    def _of_waiting(self) -> list[TrainingJob]:
        return [self.jobs[pending.what] for pending in self.waiting]

    def _leave_out(self, names: Collection[str]) -> None:
        self.waiting = [pending for pending in self.waiting if pending.what not in names]

    def _take(self, worker: Worker, answer: WorkerMessage) -> None:
        job = worker.job
        if "said" in answer and answer["said"] not in self.said:  # each of them says the same
            self.said.add(answer["said"])
            self.progress.say(answer["said"])
        if job is None or not answer.keys() - {"said", "ready"}:
            return
        if "images" in answer:
            self.progress.step(job, answer["images"])
        elif "epoch" in answer:
            self.progress.epoch(job, answer["epoch"])
        elif "broken" in answer:
            raise RuntimeError(f"{job.name}:\n{answer['broken']}")
        elif "taken" in answer:
            self._give_back(worker, job)
        else:
            self._end(worker, job, answer)

    def _give_back(self, worker: Worker, job: TrainingJob) -> None:
        """Another training was faster with a job that was looked at."""
        worker.job = None
        self.idle.append(worker)
        self.waiting.insert(0, self.running.pop(job.name))
        self.progress.back(job)
        self._begin()

    def _end(self, worker: Worker, job: TrainingJob, answer: WorkerMessage) -> None:
        worker.job = None
        del self.running[job.name]
        self.progress.end(job)
        if "done" in answer or ("ended" not in answer and self.arrangement.ranks == 1):
            self.idle.append(worker)
        elif "ended" not in answer:  # of several that train together some may still wait for others
            self.workers.dismiss(worker)
        if "done" not in answer:
            failure = Failure(job.name, answer.get("failed") or answer["ended"])
            self.progress.say(failure.line)
            lost = [pending.what for pending in self.waiting if pending.after == job.name]
            self.failures += [failure, *(not_begun(self.jobs[name]) for name in lost)]
            self._leave_out(lost)
        self._begin()


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
