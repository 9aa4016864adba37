"""Progress of a training: where there is a terminal, a bar for all and one for each job that runs, with the time of the end;
everywhere a line per epoch."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn

from steelsight.core.errors import UserError
from steelsight.core.safe_names import shown
from steelsight.recipe import waits_for
from steelsight.run.job_log import CLASS_DICE
from steelsight.training.checkpoint import Checkpoint
from steelsight.training.epochs import Hooks, TrainingJob, validated
from steelsight.training.job_order import JobRoom, PendingJob, duration
from steelsight.training.sampling import distinct_images, steps_per_epoch

_SEGMENT_COST = 2.0  # of a UNet++ pixel against a classifier pixel, as measured on a processor
_ESTIMATE_SECONDS = 900.0
_ESTIMATE_EVERY = 0.5  # seconds between two estimates of the end: with many jobs one takes longer than a step's message
_LEARNED = 0.1  # soft Dice of a class, below which hardly anything of it is found


class TrainingProgress:
    """Shows jobs of a training; work is counted in pixels, so that the time left is fair across members.

    Args:
        worded: how a sentence is told to who looks on.
    """

    def __init__(
        self,
        jobs: Sequence[TrainingJob],
        *,
        done: int,
        visible: bool,
        place: JobRoom = JobRoom(1),  # noqa: B008
        worded: Callable[[str], str] = str,
    ) -> None:
        self._worded = worded
        self._console = Console(stderr=True, quiet=not visible, emoji=False)
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[note]}"),
            console=self._console,
            disable=not visible,
        )
        self._count, self._started, self._place = done + len(jobs), done, place
        self._left = {job.name: _work(job) for job in jobs}
        self._waiting = {job.name: job for job in jobs}
        self._tasks: dict[str, TaskID] = {}
        self._pace = _Pace()
        self._estimated = float("-inf")
        self._ends: float | None = None
        self._all = self._bar.add_task("training", total=sum(self._left.values()) or 1.0, note="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def hooks(self, job: TrainingJob, *, tensorboard: bool) -> Hooks:
        """Hooks of one job, which starts now and in this process."""
        self.begin(job)
        return Hooks(lambda images: self.step(job, images), lambda line: self.epoch(job, line), tensorboard)

    def begin(self, job: TrainingJob) -> None:
        """A job starts, or goes on from its checkpoint."""
        self._pace.count(len(self._tasks))
        self._started += 1
        self._bar.update(self._all, description=f"job {self._started} of {self._count}")
        del self._waiting[job.name]
        self._tasks[job.name] = self._bar.add_task(
            f"  {job.name}", total=_work(job), note=f"epoch 1 of {job.member.epochs}"
        )
        path = job.folder.checkpoint
        with suppress(UserError):  # the job itself says what is wrong with it
            if path.is_file():
                epochs = Checkpoint.load(path).epoch
                self._advance(job, _work(job) * epochs / job.member.epochs)
                self.say(f"{job.name}: going on from epoch {epochs + 1}")

    def step(self, job: TrainingJob, images: int) -> None:
        """A job has trained on images."""
        work = images * _pixel_cost(job)
        self._pace.count(len(self._tasks), work)
        self._advance(job, work)

    def epoch(self, job: TrainingJob, line: dict[str, Any]) -> None:
        """A job has ended an epoch."""
        done = line["epoch"] + 1
        note = "evidence" if done == job.member.epochs else f"epoch {done + 1} of {job.member.epochs}"
        self._bar.update(self._tasks[job.name], note=note)
        self.say(_epoch_line(job, line, self.seconds_left()))
        if done == job.member.epochs and line.get(CLASS_DICE):
            self.say(_class_line(job, line[CLASS_DICE]))
        if done == job.member.epochs and job.member.keep.weights == "best" and not validated(job):
            self.say(
                f"{job.name}: no image of the fold has a defect, so no epoch can be the best; the last one is kept"
            )

    def end(self, job: TrainingJob) -> None:
        """A job is done, or has failed."""
        self._pace.count(len(self._tasks))
        self._advance(job, self._left[job.name])
        self._bar.remove_task(self._tasks.pop(job.name))

    def done_elsewhere(self, job: TrainingJob) -> None:
        """A job that has not begun here was done by another process."""
        self._started += 1
        del self._waiting[job.name]
        self._bar.advance(self._all, self._left.pop(job.name))

    def back(self, job: TrainingJob) -> None:
        """A job that had begun waits once more: its worker was lost."""
        self._pace.count(len(self._tasks))
        self._bar.remove_task(self._tasks.pop(job.name))
        undone = _work(job) - self._left[job.name]
        self._left[job.name], self._waiting[job.name] = _work(job), job
        self._started -= 1
        self._bar.advance(self._all, -undone)

    def say(self, text: str) -> None:
        """A line above the bars."""
        self._console.print(self._worded(text), highlight=False, markup=False, soft_wrap=True)

    def seconds_left(self) -> float | None:
        """Until the last job ends, as the jobs have gone so far; None where nothing is known yet."""
        now = time.monotonic()
        if now - self._estimated >= _ESTIMATE_EVERY:
            left, self._estimated = self._estimate(), now
            self._ends = None if left is None else now + left
        return None if self._ends is None else max(0.0, self._ends - now)

    def _estimate(self) -> float | None:
        rate = self._pace.rate()
        if not rate:
            return None
        running = [PendingJob(name, seconds=self._left[name] / rate) for name in self._tasks]
        waiting = [
            PendingJob(name, after=after_of(job), seconds=self._left[name] / rate)
            for name, job in self._waiting.items()
        ]
        return duration(waiting, running, self._place)

    def _advance(self, job: TrainingJob, work: float) -> None:
        work = min(work, self._left[job.name])
        self._left[job.name] -= work
        self._bar.advance(self._tasks[job.name], work)
        self._bar.advance(self._all, work)
        left = self.seconds_left()
        if left is not None:
            ends = datetime.now() + timedelta(seconds=left)
            self._bar.update(self._all, note=f"{_clock(left)} left, ends {ends:%H:%M}")


class _Pace:
    """Work in a second of one job, over the last quarter of an hour."""

    def __init__(self) -> None:
        self._work, self._busy, self._last = 0.0, 0.0, time.monotonic()
        self._marks = deque([(self._last, 0.0, 0.0)])

    def count(self, running: int, work: float = 0.0) -> None:
        """Since the last call that many jobs ran, and did that work."""
        now = time.monotonic()
        self._busy += running * (now - self._last)
        self._work, self._last = self._work + work, now
        self._marks.append((now, self._work, self._busy))
        while len(self._marks) > 2 and now - self._marks[0][0] > _ESTIMATE_SECONDS:
            self._marks.popleft()

    def rate(self) -> float:
        """0 where nothing was done yet."""
        _, work, busy = self._marks[0]
        return (self._work - work) / (self._busy - busy) if self._busy > busy else 0.0


def after_of(job: TrainingJob) -> str | None:
    """Name of the job that one starts from."""
    before = waits_for(job.member, job.fold)
    return f"{before[0]}/fold{before[1]}" if before else None


def _work(job: TrainingJob) -> float:
    sampling = job.member.sampling
    steps = steps_per_epoch(sampling, distinct_images(sampling, job.training))
    return job.member.epochs * steps * sampling.batch * _pixel_cost(job)


def _pixel_cost(job: TrainingJob) -> float:
    preprocess = job.member.training_preprocess
    return preprocess.height * preprocess.width * (_SEGMENT_COST if job.member.step == "segment" else 1.0)


def _epoch_line(job: TrainingJob, line: dict[str, Any], left: float | None) -> str:
    figure = "accuracy" if job.member.step == "classify" else "dice_image"
    parts = [f"{job.name} epoch {line['epoch'] + 1}/{job.member.epochs}", f"loss {line['train_loss']:.4f}"]
    for name in ("train", "valid"):
        value = line.get(f"{name}_{figure}")
        if value is not None:
            parts.append(f"{name} {figure.removesuffix('_image')} {value:.4f}")
    parts.append(f"{line['images_per_second']:.1f} images/s")
    if left is not None:
        parts.append(f"{left / 60:.0f} min left")
    return ", ".join(parts)


def _class_line(job: TrainingJob, dice: Sequence[float | None]) -> str:
    """The Dice of each class on the fold, and which are hardly learned."""
    pairs = list(zip(job.classes, dice, strict=True))
    parts = ", ".join(f"{shown(name)}: {'-' if value is None else f'{value:.3f}'}" for name, value in pairs)
    hardly = [shown(name) for name, value in pairs if value is not None and value < _LEARNED]
    said = f"; hardly learned: {', '.join(hardly)}" if hardly else ""
    return f"{job.name}: Dice of each class on the fold's images that show it (class: Dice): {parts}{said}"


def _clock(seconds: float) -> str:
    """
    >>> _clock(3725.0)
    '1:02:05'
    """
    return str(timedelta(seconds=round(seconds)))
