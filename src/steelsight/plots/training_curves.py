"""`progress.png` of a job: losses, the figures that are followed each epoch, learning rate."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes

from steelsight.core.files import replacing
from steelsight.plots.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    colour,
    log_axis,
    new_figure,
    plain,
    quiet,
    styled,
    whole_numbers,
)
from steelsight.run.job_log import CLASS_DICE, JobLog, read_log

Curve = tuple[str, Sequence[float], str, str]
"""Name, one value per epoch, colour, line style."""


def draw_progress(log: Path, out: Path, *, title: str) -> None:
    """Draw the epochs of a `log.jsonl` into `out`, whose suffix chooses the format; atomic, under half a second.

    A segmenter has four panels (losses, the three Dice figures, each class's Dice, learning rate), a
    classifier four (losses, accuracy, ROC AUC, learning rate).

    Raises:
        UserError: `log` is missing or not a log, or `out` cannot be written.
    """
    job = read_log(log)
    panels = (losses, dice, class_dice, learning_rate) if job.is_segmenter else (losses, accuracy, auc, learning_rate)
    width, height = 3.3 * len(panels), 2.9
    with styled():
        figure = new_figure(width, height, fixed=True)  # fitting the margins would take as long as the drawing itself
        figure.subplots_adjust(0.5 / width, 0.45 / height, 1 - 0.1 / width, 1 - 0.55 / height, 0.2)
        figure.suptitle(plain(title), fontsize=10, x=0.01, ha="left")
        for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
            panel(axes, job)
        with replacing(out) as temporary:
            figure.savefig(temporary, dpi=100)


def losses(axes: Axes, job: JobLog) -> None:
    """Training and validation loss per epoch."""
    _both(axes, job, "loss", "loss")
    axes.set_ylim(bottom=0)


def accuracy(axes: Axes, job: JobLog) -> None:
    """Share of images that the classifier calls rightly at P = 0.5."""
    _both(axes, job, "accuracy", "accuracy")


def auc(axes: Axes, job: JobLog) -> None:
    """How well the classifier's answers order images, whatever the threshold."""
    _both(axes, job, "ROC AUC", "auc")


def dice(axes: Axes, job: JobLog) -> None:
    """The three validation Dice figures, and the training one over the batch."""
    _curves(
        axes,
        job,
        "Dice (validation)",
        [
            ("per image and class", job.curve("valid_dice_pair"), GREEN, "-"),
            ("per image", job.curve("valid_dice_image"), RED, "-"),
            ("over the batch", job.curve("valid_dice_batch"), ORANGE, "-"),
            ("over the batch, training", job.curve("train_dice_batch"), BLUE, ":"),
        ],
    )
    axes.set_ylim(-0.02, 1.02)


def class_dice(axes: Axes, job: JobLog, classes: Sequence[str] = ()) -> None:
    """Dice of each class on the fold, and in training (dotted): one that stays at zero has collapsed to empty masks."""
    curves, named = [], set()
    for key, line in ((CLASS_DICE, "-"), ("train_dice_per_class", ":")):
        for index, values in enumerate(job.class_curves(key)):
            if all(value != value for value in values):
                continue
            name = classes[index] if index < len(classes) else str(index + 1)
            curves.append(("" if name in named else name, values, colour(index), line))
            named.add(name)
    _curves(axes, job, "Dice per class", curves)
    axes.set_ylim(-0.02, 1.02)


def learning_rate(axes: Axes, job: JobLog) -> None:
    """Learning rate of each epoch, on a logarithmic axis."""
    rates = job.curve("learning_rate")
    _curves(axes, job, "learning rate", [("", rates, PURPLE, "-")])
    log_axis(axes, "y", rates)


def _both(axes: Axes, job: JobLog, title: str, figure: str) -> None:
    """One figure on training and on validation images."""
    kinds = (("training", "train", BLUE), ("validation", "valid", ORANGE))
    _curves(axes, job, title, [(name, job.curve(f"{kind}_{figure}"), colour, "-") for name, kind, colour in kinds])


def _curves(axes: Axes, job: JobLog, title: str, curves: Sequence[Curve]) -> None:
    drawn = [curve for curve in curves if any(value == value for value in curve[1])]
    for name, values, ink, line in drawn:
        # a member may validate every few epochs only: join the points that there are
        points = [(epoch, value) for epoch, value in zip(job.epochs, values, strict=True) if value == value]
        marker = "." if len(points) < 8 else ""
        axes.plot(*zip(*points, strict=True), line, color=ink, label=plain(name), marker=marker, markersize=4)
    for start in job.phase_starts():
        axes.axvline(start - 0.5, color=GREY, linewidth=0.8, linestyle="--")
    axes.set_title(title)
    axes.set_xlabel("epoch")
    quiet(axes)
    whole_numbers(axes)
    if len(drawn) > 1:
        axes.legend(loc="best", handlelength=1.4, labelspacing=0.3)
