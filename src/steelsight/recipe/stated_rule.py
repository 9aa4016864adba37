"""A rule that a recipe states, as one that was published: judged and shown beside the searched ones, never searched."""

from typing import Annotated, TypeVar

from pydantic import Field

from steelsight.imaging.combine import CutAt
from steelsight.recipe.base import Fields, Probability

Area = Annotated[int, Field(ge=1)]
Number = TypeVar("Number", float, int)


class StatedRule(Fields):
    """Gate, thresholds and areas as numbers; where one stands alone it is meant for every class.

    Attributes:
        gate: the least P(defect) with which an image may have a mask: at least, not above.
        upper, lower: probabilities that a pixel must exceed.
        min_area: pixels that must exceed `upper`, of the size that `at` names.
        at: `image`: masks are cut at the image's own size, as everywhere here; `working`: at the segmenters' working size,
            and then enlarged pixel by pixel.
    """

    gate: Probability
    upper: Probability | tuple[Probability, ...]
    lower: Probability | tuple[Probability, ...]
    min_area: Area | tuple[Area, ...]
    at: CutAt = "image"


def of_classes(value: Number | tuple[Number, ...], classes: int) -> tuple[Number, ...]:
    """A value for each class.

    >>> of_classes(0.7, 3), of_classes((1, 2), 2)
    ((0.7, 0.7, 0.7), (1, 2))
    """
    return value if isinstance(value, tuple) else (value,) * classes
