"""Progress of a training: a bar with the time left where there is a terminal, a line per epoch everywhere."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from steelsight.training.checkpoint import Checkpoint
from steelsight.training.fit import Hooks, Job
from steelsight.training.sampling import distinct_images, steps_per_epoch

_SEGMENT_COST = 2.0  # of a UNet++ pixel against a classifier pixel, as measured on a processor
_ESTIMATE_SECONDS = 900.0


class TrainingProgress:
    """Shows jobs of a training; work is counted in pixels, so that the time left is fair across members."""

    def __init__(self, jobs: Sequence[Job], *, done: int, visible: bool) -> None:
        self._console = Console(stderr=True, quiet=not visible)
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
            speed_estimate_period=_ESTIMATE_SECONDS,
            disable=not visible,
        )
        self._total = done + len(jobs)
        self._started = done
        self._task = self._bar.add_task("training", total=sum(map(_work, jobs)) or 1.0)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def hooks(self, job: Job, *, tensorboard: bool) -> Hooks:
        """Hooks of one job, which starts now."""
        self._started += 1
        title = f"job {self._started} of {self._total}: {job.name}"
        self._bar.update(self._task, description=title)
        path = job.folder / "checkpoint.pt"
        if path.is_file():
            epochs = Checkpoint.load(path).epoch
            self._bar.advance(self._task, _work(job) * epochs / job.member.epochs)
            self._console.print(f"{job.name}: going on from epoch {epochs + 1}", highlight=False)

        def on_step(images: int) -> None:
            self._bar.advance(self._task, images * _pixel_cost(job))

        def on_epoch(line: dict[str, Any]) -> None:
            self._console.print(
                _epoch_line(job, line, self._bar.tasks[0].time_remaining), highlight=False, soft_wrap=True
            )

        return Hooks(on_step, on_epoch, tensorboard)


def _work(job: Job) -> float:
    sampling = job.member.sampling
    steps = steps_per_epoch(sampling, distinct_images(sampling, job.training))
    return job.member.epochs * steps * sampling.batch * _pixel_cost(job)


def _pixel_cost(job: Job) -> float:
    preprocess = job.member.training_preprocess
    return preprocess.height * preprocess.width * (_SEGMENT_COST if job.member.step == "segment" else 1.0)


def _epoch_line(job: Job, line: dict[str, Any], left: float | None) -> str:
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
