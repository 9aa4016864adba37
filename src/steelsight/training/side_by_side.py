"""Jobs side by side, each in a process of its own; one that fails takes none with it but those that start from it."""

from collections.abc import Sequence
from dataclasses import dataclass

from steelsight.training.fit import Job
from steelsight.training.launcher import Answer, Worker, Workers
from steelsight.training.order import Place, Waiting, next_job
from steelsight.training.progress import TrainingProgress, after_of
from steelsight.training.worker import Orders


@dataclass(frozen=True)
class Failure:
    """A job that is not done, and why, in one sentence."""

    job: str
    reason: str

    @property
    def line(self) -> str:
        return f"{self.job} failed: {self.reason}"


def not_begun(job: Job) -> Failure:
    """Of a job whose start is not there."""
    return Failure(job.name, f"it starts from {after_of(job)}, which failed")


def waiting_jobs(jobs: Sequence[Job], memory: Sequence[float]) -> list[Waiting[str]]:
    """Jobs by name, each after the one that it starts from."""
    return [Waiting(job.name, after=after_of(job), memory=needed) for job, needed in zip(jobs, memory, strict=True)]


def train_side_by_side(
    jobs: Sequence[Job], waiting: Sequence[Waiting[str]], place: Place, orders: Orders, progress: TrainingProgress
) -> list[Failure]:
    """Train all jobs that can be; returns those that could not.

    Args:
        waiting: the same jobs, by name.

    Raises:
        RuntimeError: a worker met what no user could have caused; the others are stopped, and --resume goes on with them.
    """
    named = {job.name: job for job in jobs}
    waiting, failures = list(waiting), list[Failure]()
    running: dict[str, Waiting[str]] = {}
    idle: list[Worker] = []

    def begin() -> None:
        while (job := next_job(waiting, list(running.values()), place)) is not None:
            waiting.remove(job)
            running[job.what] = job
            worker = idle.pop() if idle else workers.start()
            progress.begin(named[job.what])
            workers.train(worker, named[job.what])
        while idle:  # what waits for nothing that it could do holds memory for nothing
            workers.dismiss(idle.pop())

    def end(worker: Worker, answer: Answer) -> None:
        job, worker.job = worker.job, None
        assert job is not None
        del running[job.name]
        progress.end(job)
        if "ended" not in answer:
            idle.append(worker)
        if "done" not in answer:
            failure = Failure(job.name, answer.get("failed") or answer["ended"])
            progress.say(failure.line)
            failures.append(failure)
            for lost in [other for other in waiting if other.after == job.name]:
                waiting.remove(lost)
                failures.append(not_begun(named[lost.what]))
        begin()

    with Workers(orders) as workers:
        begin()
        for worker, answer in workers.answers() if running else ():
            job = worker.job
            if job is None:
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
