"""What was seen in an image, in plain words, for the reason of its verdict."""

from collections.abc import Sequence
from typing import Literal

from steelsight.imaging.regions import Region, strength
from steelsight.verdicts.policy import Policy
from steelsight.verdicts.units import MmPerPixel, Ruler

SeenKind = Literal["found", "suspected", "strongest place"]


def seen_text(
    kind: SeenKind, policy: Policy, classes: Sequence[str], regions: Sequence[Region], size: tuple[int, int]
) -> str:
    """The first of some regions, by its class and its box along and across the strip, and how many there are beside it: of
    those found the largest, of those suspected the strongest. How likely a strongest place is that does not stand out is
    said, too.

    Lengths are in mm where the policy's severity rules know the size of a pixel, else in pixels.

    Args:
        regions: at least one.
        size: height and width of the image in pixels.
    """
    first = max(regions, key=(lambda region: region.area) if kind == "found" else strength)
    scale = policy.severity.mm_per_pixel if policy.severity is not None else None
    text = f"{kind}: class {classes[first.class_index]}, {_extent(first, scale, size)}"
    if kind == "strongest place":
        return f"nothing stands out; {text}, mean probability {_short(first.probability)}"
    return text if len(regions) == 1 else f"{text}, and {len(regions) - 1} more"


def _extent(region: Region, scale: MmPerPixel | None, size: tuple[int, int]) -> str:
    if scale is None:
        return f"{region.width} x {region.height} px"
    ruler = Ruler(size, scale)
    along, across = float(ruler.along(region.width, "mm")), float(ruler.across(region.height, "mm"))
    return f"{_short(along)} x {_short(across)} mm"


def _short(length: float) -> str:
    """Whole from 10 on, else two digits.

    >>> _short(40.4), _short(1234.5), _short(3.14), _short(0.0421)
    ('40', '1234', '3.1', '0.042')
    """
    return f"{length:.0f}" if length >= 10 else f"{length:.2g}"
