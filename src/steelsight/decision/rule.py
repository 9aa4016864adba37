"""The rule that cuts masks out of probability maps: gate, upper and lower threshold, minimum area."""

from pydantic import BaseModel, ConfigDict, Field


class Rule(BaseModel):
    """Gate and, per class, two thresholds on the 8-bit grid and a minimum area.

    An image with P(defect) <= gate has no mask at all. A class keeps its mask only if at least `min_area` pixels of its
    map exceed `upper`; the mask is then every pixel above `lower` (strictly above, both).

    Attributes:
        gate: probability in [0, 1].
        upper, lower: one per class, 0..255 (probability times 255).
        min_area: one per class, pixels of the original image, at least 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    gate: float = Field(ge=0, le=1)
    upper: tuple[int, ...]
    lower: tuple[int, ...]
    min_area: tuple[int, ...]
