"""The rule that cuts masks out of probability maps: hard or soft gate, upper and lower threshold, minimum area."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from steelsight.core.model import Model
from steelsight.imaging.combine import CutAt

MapLevel = Annotated[int, Field(ge=0, le=255)]
MinimumArea = Annotated[int, Field(ge=1)]
Number = TypeVar("Number", float, NDArray[np.float64])


class Rule(Model):
    """Gate and, per class, two thresholds on the 8-bit grid and a minimum area.

    An image with P(defect) <= gate has no mask at all. A class keeps its mask only if at least `min_area` pixels of its
    map exceed `upper`; the mask is then every pixel above `lower` (strictly above, both). With a softness above 1 the
    gate is soft: the less likely a defect, the larger an area must be, see `area_scale`.

    Attributes:
        gate: probability in [0, 1].
        softness: what multiplies every minimum area where P(defect) is 0, at least 1; 1: the gate is hard.
        upper, lower: one per class, 0..255 (probability times 255), lower <= upper.
        min_area: one per class, pixels of the original image, at least 1.
        at: where masks are cut, see `steelsight.imaging.combine.CutAt`; a rule without it is cut at the image's size.
    """

    gate: float = Field(ge=0, le=1)
    softness: float = Field(default=1.0, ge=1, allow_inf_nan=False)
    upper: tuple[MapLevel, ...] = Field(min_length=1)
    lower: tuple[MapLevel, ...]
    min_area: tuple[MinimumArea, ...]
    at: CutAt = "image"

    @model_serializer(mode="wrap")
    def _without_the_usual(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What is cut at the image's size is written as it was before there was another."""
        written: dict[str, Any] = write(self)
        return {name: value for name, value in written.items() if name != "at" or value != "image"}

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Likewise: names of files derive from it."""
        return [(name, value) for name, value in super().__repr_args__() if name != "at" or value != "image"]

    @model_validator(mode="after")
    def _agree(self) -> "Rule":
        if not len(self.upper) == len(self.lower) == len(self.min_area):
            raise ValueError("upper, lower and min_area must have one value per class each")
        if any(low > up for low, up in zip(self.lower, self.upper, strict=True)):
            raise ValueError("lower must not exceed upper")
        return self

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.upper)

    def only(self, classes: Sequence[int] | NDArray[np.intp]) -> "Rule":
        """The rule of some of its classes, in the order given.

        >>> Rule(gate=0, upper=(3, 4), lower=(1, 2), min_area=(5, 6)).only([1])
        Rule(gate=0.0, softness=1.0, upper=(4,), lower=(2,), min_area=(6,))
        """
        per_class = {
            name: tuple(values[index] for index in classes)
            for name, values in (("upper", self.upper), ("lower", self.lower), ("min_area", self.min_area))
        }
        return Rule(gate=self.gate, softness=self.softness, at=self.at, **per_class)

    def keeps(self, index: int, found: int, p_defect: float) -> bool:
        """Whether a class keeps its mask in an image that passed the gate.

        The area found is divided by `area_scale` in float64 and held against `min_area`: areas stay whole numbers.

        Args:
            index: of the class.
            found: pixels of its map that exceed `upper`.
            p_defect: probability in [0, 1] that the image has a defect.
        """
        return found / area_scale(self.softness, p_defect) >= self.min_area[index]


def area_scale(softness: float, p_defect: Number) -> Number:
    """What a soft gate multiplies minimum areas with: softness - (softness - 1) * P(defect), exactly 1 where P(defect) is 1.

    Source: the soft gate of the strongest solutions of the Kaggle competition "Severstal: Steel Defect Detection" (2019),
    whose softness is 5.

    Args:
        softness: at least 1.
        p_defect: probability or float64 probabilities in [0, 1].

    >>> area_scale(5.0, 0.25)
    4.0
    """
    return 1 + (softness - 1) * (1 - p_defect)


def masks(rule: Rule, p_defect: float, maps: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Cut the masks of one image: the definition that every figure and every search is held against.

    Args:
        rule: thresholds for as many classes as `maps` has.
        p_defect: probability in [0, 1] that the image has a defect.
        maps: uint8 (classes, height, width), probability times 255, at the image's own size.

    Returns:
        bool (classes, height, width).

    >>> rule = Rule(gate=0.5, upper=(200,), lower=(100,), min_area=(2,))
    >>> maps = np.array([[[201, 250, 101, 100]]], np.uint8)
    >>> masks(rule, 0.6, maps).astype(int).tolist()
    [[[1, 1, 1, 0]]]
    >>> masks(rule, 0.5, maps).any().item()
    False
    >>> masks(rule.model_copy(update={"softness": 2.0}), 0.6, maps).any().item()  # 2 pixels, and 2 * 1.4 are asked for
    False
    """
    if maps.shape[0] != rule.classes:
        raise ValueError(f"the rule has {rule.classes} classes, the maps have {maps.shape[0]}")
    if p_defect <= rule.gate:
        return np.zeros(maps.shape, np.bool_)
    cut = maps > np.array(rule.lower, np.uint8)[:, None, None]
    for index, map_ in enumerate(maps):
        if not rule.keeps(index, int(np.count_nonzero(map_ > rule.upper[index])), p_defect):
            cut[index] = False
    return cut
