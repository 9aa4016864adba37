"""From the classifiers' mean to the share of such images that are defective."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Calibration(BaseModel):
    """A rising map from P(defect), the mean of the classifiers, to a calibrated probability.

    Attributes:
        kind: `none` leaves it as it is; `temperature` divides its logit; `isotonic` is a rising staircase.
        temperature: of that kind, above 0.
        levels, values: of `isotonic`: P(defect) ascending, and the probability at each, straight lines between.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["none", "temperature", "isotonic"] = "none"
    temperature: float = 1.0
    levels: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
