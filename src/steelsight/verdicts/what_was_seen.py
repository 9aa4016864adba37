"""What was seen in an image, in plain words, for the reason of its verdict."""

from collections.abc import Sequence

from steelsight.imaging.regions import Region
from steelsight.verdicts.policy import Policy
from steelsight.verdicts.units import MmPerPixel, Ruler


def seen_text(
    kind: str, policy: Policy, classes: Sequence[str], regions: Sequence[Region], size: tuple[int, int]
) -> str:
    """The largest of some regions, by its class and its box along and across the strip, and how many there are beside it.

    Lengths are in mm where the policy's severity rules know the size of a pixel, else in pixels.

    Args:
        kind: `found` or `suspected`.
        regions: at least one.
        size: height and width of the image in pixels.
    """
    largest = max(regions, key=lambda region: region.area)
    scale = policy.severity.mm_per_pixel if policy.severity is not None else None
    text = f"{kind}: class {classes[largest.class_index]}, {_extent(largest, scale, size)}"
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
