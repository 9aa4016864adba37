"""Section Later images: what the exported inspector was worth on images that came after those it was made of."""

from dataclasses import dataclass

from steelsight.metrics.intervals import Interval
from steelsight.report.sections.masks import RuleFigures
from steelsight.run.record import Record
from steelsight.run.run import Run
from steelsight.selection.later_figures import Figure, LaterFigures, read_later_figures


@dataclass(frozen=True)
class LaterRow:
    """One figure beside what cross-validation on the earlier images promised; None where it cannot be told.

    Attributes:
        form: `figure` for a Dice or an AUC, `percent` for a share.
    """

    name: str
    promised: float | None
    value: float | None
    interval: Interval | None
    form: str


@dataclass(frozen=True)
class LaterView:
    """What the template of this section reads; `figures` is None before an export has judged the images."""

    images: int
    later_from: str
    figures: LaterFigures | None
    rows: tuple[LaterRow, ...]


def later_view(run: Run, record: Record, nested: RuleFigures, auc: float | None) -> LaterView | None:
    """None for a run that was not split by time.

    Args:
        nested, auc: of the earlier images, out of fold; `auc` is None without classifiers.

    Raises:
        UserError: the file of figures was changed into something else.
    """
    if not record.later:
        return None
    figures = read_later_figures(run)
    rows: tuple[LaterRow, ...] = ()
    if figures is not None:
        promised = nested.figures
        rows = (
            _row("Competition Dice", promised.dice, figures.dice, "figure"),
            _row("All-empty floor", promised.floor, Figure(figures.floor, None, None), "figure"),
            _row("Dice of pairs with a defect", promised.defective_dice, figures.defective_dice, "figure"),
            _row("False alarms on empty pairs", promised.false_alarm_share, figures.false_alarm_share, "percent"),
            _row("ROC AUC of the classifier", auc, figures.auc, "figure"),
        )
    return LaterView(len(record.later), record.later_from, figures, rows)


def _row(name: str, promised: float | None, figure: Figure, form: str) -> LaterRow:
    interval = None if figure.low is None or figure.high is None else Interval(figure.low, figure.high)
    return LaterRow(name, promised, figure.value, interval, form)
