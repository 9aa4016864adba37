"""Section Training: the curves of every job, folds beside each other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup
from matplotlib.axes import Axes

from steelsight.core.parsing import parse_json
from steelsight.plots.style import WIDE, new_figure, styled, svg
from steelsight.plots.training_curves import accuracy, auc, class_dice, dice, learning_rate, losses
from steelsight.recipe import Member, Recipe, Step
from steelsight.run.job_log import JobLog, read_log
from steelsight.run.run import Run

Panel = Callable[[Axes, JobLog], None]

_DECODERS = {
    "unetplusplus": "UNet++ on ",
    "unetplusplus-reference": "UNet++ of the reference on ",
    "unetplusplus-nominal": "UNet++ of the reference (nominal widths) on ",
    "fpn": "FPN on ",
    None: "",
}


_FOLLOWED: dict[Step, tuple[str, tuple[tuple[str, str], ...]]] = {
    "classify": ("valid_accuracy", (("accuracy", "valid_accuracy"), ("AUC", "valid_auc"))),
    "segment": (
        "valid_dice_pair",
        (("batch", "valid_dice_batch"), ("image", "valid_dice_image"), ("pair", "valid_dice_pair")),
    ),
}
"""By which figure an epoch is shown as the best, and what is shown of it."""

_KEPT_BY: dict[Step, str] = {"classify": "accuracy", "segment": "Dice per image"}
"""By which figure `keep.weights: best` keeps an epoch's weights; of a segmenter it may be another one than is shown."""


@dataclass(frozen=True)
class MemberCurves:
    """A member and the logs of its jobs by fold."""

    member: Member
    jobs: tuple[tuple[int, JobLog], ...]
    parameters: int | None = None


@dataclass(frozen=True)
class MemberRow:
    """A member as the section's table shows it.

    Attributes:
        parameters: of its network, running statistics included; None where no job tells.
        best: what it reached on the fold at each job's best epoch, mean over the folds.
    """

    name: str
    step: str
    network: str
    parameters: int | None
    working_size: str
    epochs: int
    best: tuple[str, ...]
    kept: str
    seconds: float
    images_per_second: float


@dataclass(frozen=True)
class TrainingView:
    """What the template of this section reads; `seconds` of all jobs added up, whether or not they ran side by side."""

    members: tuple[MemberRow, ...]
    curves: tuple[tuple[str, Markup], ...]
    seconds: float
    epoch_selected: tuple[str, ...]


def read_curves(run: Run, recipe: Recipe) -> tuple[MemberCurves, ...]:
    """The logs of all jobs that have one."""
    found = []
    for member in recipe.members:
        paths = [(fold, run.job(member.name, fold).log) for fold in range(recipe.folds)]
        jobs = tuple((fold, read_log(path)) for fold, path in paths if path.is_file())
        done = [run.job(member.name, fold).done for fold in range(recipe.folds)]
        found.append(MemberCurves(member, jobs, next((n for path in done if (n := _parameters(path))), None)))
    return tuple(found)


def _parameters(done: Path) -> int | None:
    """Of a job's network, as it was written down when the job was done; earlier versions did not."""
    try:
        content = parse_json(done.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    count = content.get("parameters") if isinstance(content, dict) else None
    return count if type(count) is int else None


def training_view(curves: Sequence[MemberCurves], classes: Sequence[str]) -> TrainingView:
    """Table and small multiples of every member."""
    return TrainingView(
        members=tuple(_row(of_member) for of_member in curves),
        curves=tuple(
            (of_member.member.name, member_plot(of_member, classes)) for of_member in curves if of_member.jobs
        ),
        seconds=sum(job.seconds for of_member in curves for _, job in of_member.jobs),
        epoch_selected=epoch_selected([of_member.member for of_member in curves]),
    )


def epoch_selected(members: Sequence[Member]) -> tuple[str, ...]:
    """Names of the members whose kept epoch was chosen on the fold that they are judged on."""
    return tuple(member.name for member in members if member.keep.weights == "best")


def member_plot(curves: MemberCurves, classes: Sequence[str]) -> Markup:
    """One column per fold, one row per figure that is followed; each row shares its scale."""
    panels = _panels(curves, classes)
    count, width, height = len(curves.jobs), WIDE if len(curves.jobs) > 1 else WIDE / 2, 1.25 * len(panels) + 0.45
    with styled():
        figure = new_figure(width, height, fixed=True)
        figure.subplots_adjust(0.6 / width, 0.4 / height, 1 - 1.45 / width, 1 - 0.22 / height, 0.07, 0.16)
        grid = figure.subplots(len(panels), count, squeeze=False, sharex=True, sharey="row")
        for row, panel in zip(grid, panels, strict=True):
            for place, (axes, (_, job)) in enumerate(zip(row, curves.jobs, strict=True)):
                panel(axes, job)
                title = axes.get_title(loc="left")
                axes.set_title("")
                axes.set_xlabel("")
                if place == 0:
                    axes.set_ylabel(title, fontsize=7.5)
                    axes.yaxis.set_label_coords(-0.45 / (width - 2.05) * count, 0.5)
                legend = axes.get_legend()
                if legend is not None and place < count - 1:
                    legend.remove()
                elif legend is not None:
                    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.02), fontsize=7, handlelength=1.2)
        grid[0][0].set_ylim(0, 1.05 * _largest_loss(curves.jobs))  # the row shares its scale
        for axes, (fold, _) in zip(grid[0], curves.jobs, strict=True):
            axes.set_title(f"fold {fold}")
        for axes in grid[-1]:
            axes.set_xlabel("epoch", fontsize=7.5)
        return svg(figure, f"Training curves of {curves.member.name}")


def _largest_loss(jobs: Sequence[tuple[int, JobLog]]) -> float:
    seen = [value for _, job in jobs for key in ("train_loss", "valid_loss") for value in job.curve(key)]
    return max((value for value in seen if value == value), default=1.0)


def _panels(curves: MemberCurves, classes: Sequence[str]) -> tuple[Panel, ...]:
    if curves.member.step == "classify":
        return losses, accuracy, auc, learning_rate

    def of_classes(axes: Axes, job: JobLog) -> None:
        class_dice(axes, job, classes)

    return losses, dice, of_classes, learning_rate


def _best(curves: MemberCurves) -> tuple[str, ...]:
    """A classifier's accuracy and AUC at its most accurate epoch; a segmenter's three Dice at its best one per pair."""
    by, shown = _FOLLOWED[curves.member.step]
    rows = []
    for _, job in curves.jobs:
        scores = job.curve(by)
        known = [place for place, score in enumerate(scores) if score == score]
        if known:
            place = max(known, key=lambda at: scores[at])
            rows.append([job.curve(key)[place] for _, key in shown])
    means = [sum(values) / len(values) for values in zip(*rows, strict=True)]
    return tuple(f"{name} {mean:.3f}" for (name, _), mean in zip(shown, means, strict=False) if mean == mean)


def _row(curves: MemberCurves) -> MemberRow:
    member = curves.member
    speeds = [speed for _, job in curves.jobs for speed in job.curve("images_per_second") if speed == speed]
    size, window = member.preprocess, member.training_preprocess
    windows = f"; trained on windows of {window.width} × {window.height}" if window != size else ""
    start = f", from {member.starts_from}" if member.starts_from else ""
    return MemberRow(
        name=member.name,
        step=member.step,
        network=f"{_DECODERS[member.decoder]}EfficientNet {member.encoder.capitalize()}{start}",
        parameters=curves.parameters,
        working_size=f"{size.width} × {size.height}, {size.colour}, {size.fit}{windows}",
        epochs=member.epochs,
        best=_best(curves),
        kept=f"best on the fold, by {_KEPT_BY[member.step]}"
        if member.keep.weights == "best"
        else f"average of the last {member.keep.last}"
        if member.keep.last > 1
        else "last epoch",
        seconds=sum(job.seconds for _, job in curves.jobs),
        images_per_second=sorted(speeds)[len(speeds) // 2] if speeds else float("nan"),
    )
