"""Rules on what was found: class, area, count and position of the defects."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from steelsight.regions import Region

Answer = Literal["pass", "review", "reject"]
"""What becomes of an image: it goes on, a person looks at it, or it is taken out."""


class Severity(BaseModel):
    """Severity rules."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Fires(NamedTuple):
    """A rule that holds of an image: what it asks for, `review` or `reject`, and the rule with what was found."""

    answer: Answer
    reason: str


def judge_severity(
    severity: Severity, classes: Sequence[str], regions: Sequence[Region], size: tuple[int, int]
) -> Fires | None:
    """The gravest rule that holds of an image, of equal ones the first; None where none does.

    Args:
        classes: defect class names.
        regions: what was found in the image.
        size: its height and width in pixels.
    """
    return None
