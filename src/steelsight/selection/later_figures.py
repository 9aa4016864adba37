"""RUN/later.json: what an exported inspector was worth on the later images, which a split by time held back."""

from typing import NamedTuple

from pydantic import ValidationError

from steelsight.core.errors import UserError
from steelsight.core.files import write_json
from steelsight.core.model import Model, explain
from steelsight.run.run import Run
from steelsight.verdicts.policy import Outcome


class Figure(NamedTuple):
    """A value with its 95 % interval over groups; None where it cannot be told."""

    value: float | None
    low: float | None
    high: float | None


class LaterFigures(Model):
    """What it said of images that came after all that it was made of.

    Attributes:
        later_from: the moment with which they begin, as the user wrote it.
        folds: whose networks the inspector has; `precision` in which it computes.
        images, defective, groups: how many were judged.
        unreadable: names of images that could not be judged: no figure counts them.
        dice: competition Dice; `floor` what an all-empty answer scores.
        defective_dice: mean Dice of pairs with a defect.
        false_alarm_share: share of the empty pairs in which something is marked.
        auc: of the classifiers' P(defect) over images.
        annotated, found, false_alarms: connected defects, those marked anywhere, and marked regions that touch none.
        outcome: what the verdict policy makes of them; None without one.
    """

    schema_version: int = 1
    later_from: str
    folds: tuple[int, ...]
    precision: str
    images: int
    defective: int
    groups: int
    unreadable: tuple[str, ...]
    dice: Figure
    floor: float
    defective_dice: Figure
    false_alarm_share: Figure
    auc: Figure
    annotated: int
    found: int
    false_alarms: int
    outcome: Outcome | None


def write_later_figures(run: Run, figures: LaterFigures) -> None:
    """Keep them beside the decision; those of an earlier export are replaced."""
    write_json(run.later_figures_file, figures.model_dump(mode="json"))


def read_later_figures(run: Run) -> LaterFigures | None:
    """Those of the latest export; None before the first.

    Raises:
        UserError: the file was changed into something else.
    """
    file = run.later_figures_file
    try:
        return LaterFigures.model_validate_json(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ValidationError, UnicodeDecodeError) as error:
        why = explain(error, mend="") if isinstance(error, ValidationError) else error
        raise UserError(f"{file}: not what an export wrote ({why}); remove it and export again") from error


def said_of_later(figures: LaterFigures) -> str:
    """The figures in a sentence or two, as a person reads them."""
    pairs = (
        "" if figures.defective_dice.value is None else f", Dice of pairs with a defect {_said(figures.defective_dice)}"
    )
    auc = "" if figures.auc.value is None else f", ROC AUC {_said(figures.auc)}"
    sentences = [
        f"on the {figures.images} later images, from {figures.later_from} on ({figures.defective} with a defect): "
        f"competition Dice {_said(figures.dice)} (floor {figures.floor:.3f}){pairs}{auc}; "
        f"{figures.found} of {figures.annotated} defects found"
    ]
    if (outcome := figures.outcome) is not None:
        sentences.append(
            f"verdicts: {outcome.passed[0]} of {figures.defective} defective images pass, {outcome.rejected[1]} of "
            f"{figures.images - figures.defective} good ones are rejected, {sum(outcome.review)} go to review"
        )
    if figures.unreadable:
        sentences.append(f"{len(figures.unreadable)} could not be judged, such as {figures.unreadable[0]}")
    return "; ".join(sentences)


def _said(figure: Figure) -> str:
    between = "" if figure.low is None or figure.high is None else f" ({figure.low:.3f} to {figure.high:.3f})"
    return "not known" if figure.value is None else f"{figure.value:.3f}{between}"
