"""What an inspector of distilled networks says of itself: who taught them, on what, and what they lose against these."""

from pydantic import Field

from steelsight.core.commands import command
from steelsight.core.formatting import percent
from steelsight.core.model import Model


class DistillingLoss(Model):
    """Distilled networks and their teachers, both by the same rule, on images that neither learned from.

    Attributes:
        images_of: which images, in words.
        images, groups: how many, of how many twin groups.
        teachers, distilled: competition Dice.
        lost: the difference; low, high: its 95 % interval over twin groups, paired; None where it cannot be told.
        teachers_defective, distilled_defective: Dice of pairs with a defect; None where no image has one.
        teachers_false_alarms, distilled_false_alarms: share of empty pairs with a mask; None where no pair is empty.
    """

    images_of: str
    images: int
    groups: int
    teachers: float
    distilled: float
    lost: float
    low: float | None
    high: float | None
    teachers_defective: float | None
    distilled_defective: float | None
    teachers_false_alarms: float | None
    distilled_false_alarms: float | None

    @property
    def is_empty(self) -> bool:
        """Whether neither finds anything, so that both have the Dice of an empty answer."""
        alarms = self.teachers_false_alarms or self.distilled_false_alarms
        return self.teachers_defective == self.distilled_defective == 0 and not alarms

    @property
    def sentence(self) -> str:
        """For people, without the final stop."""
        interval = "" if self.low is None or self.high is None else f", 95 % {self.low:+.4f} to {self.high:+.4f}"
        both = f"{self.teachers:.4f} before, {self.distilled:.4f} now"
        parts = [f"Dice lost against the ensemble: {self.lost:+.4f} ({both}{interval})"]
        if self.is_empty:
            parts.append("neither finds a pixel of a defect, and neither has a false alarm, so nothing could be lost")
        if self.teachers_defective is not None and self.distilled_defective is not None:
            parts.append(
                f"of pairs with a defect {self.teachers_defective:.3f} before, {self.distilled_defective:.3f} now"
            )
        if self.teachers_false_alarms is not None and self.distilled_false_alarms is not None:
            before, now = percent(self.teachers_false_alarms, 1), percent(self.distilled_false_alarms, 1)
            parts.append(f"false alarms on {before} of the empty pairs before, {now} now")
        return f"{'; '.join(parts)}; on {self.images} images that neither learned from: {self.images_of}"


class Distilled(Model):
    """Networks that learned to answer as an ensemble does.

    Attributes:
        teachers: networks of the ensemble.
        training, unlabelled, made_up: images whose answers they learned: the run's, those without labels, made-up strips.
        seconds: that learning took, on both networks.
        loss: None where it was not measured.
        not_measured: why, in one sentence; None where it was.
    """

    teachers: int = Field(ge=2)
    training: int = Field(ge=0)
    unlabelled: int = Field(ge=0)
    made_up: int = Field(ge=0)
    seconds: float
    loss: DistillingLoss | None
    not_measured: str | None = None

    @property
    def loss_sentence(self) -> str:
        """What is lost, or why nobody knows, without the final stop."""
        if self.loss is not None:
            return self.loss.sentence
        return f"Dice lost against the ensemble: not measured, since {self.not_measured}"


def evidence_sentence(*, calibrated: bool = False) -> str:
    """What an inspector of distilled networks has to show for itself.

    Args:
        calibrated: whether it was, on new labelled images, since it was exported.
    """
    if calibrated:
        return (
            "Its evidence is the images that it was calibrated on, see Verdicts. Its networks learned from the answers of "
            "an ensemble that had seen every image of the run, so the run's figures are not its own."
        )
    return (
        "It has no evidence of its own. Its networks learned from the answers of an ensemble that had seen every image of "
        "the run, so the run's figures are not its own. Only calibration on new labelled images can tell what it is worth: "
        f"`{command('decide', 'THIS_FOLDER', calibrate='DATA')}`."
    )
