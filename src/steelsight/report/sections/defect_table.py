"""Connected defects found and false alarms of the tested images, by class and by area: rows of the section and of the page
to sign."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steelsight.core.arguments import check_length
from steelsight.core.errors import UserError
from steelsight.metrics.defect_figures import (
    AreaCounts,
    DefectCounts,
    DefectIntervals,
    defect_figures,
    defect_intervals,
    metres_of,
)
from steelsight.metrics.defects import Defects
from steelsight.plots.style import class_names
from steelsight.verdicts.policy import Policy


@dataclass(frozen=True)
class DefectRow:
    """One class, or all of them."""

    name: str
    counts: DefectCounts
    intervals: DefectIntervals


@dataclass(frozen=True)
class DefectTable:
    """What the templates read.

    Attributes:
        rows: of each class; none where there is only one.
        by_area: of each decade of areas.
        metres_per_image: mean length of strip that an image shows; None where the size of a pixel is not known.
    """

    classes: tuple[str, ...]
    all: DefectRow
    rows: tuple[DefectRow, ...]
    by_area: tuple[AreaCounts, ...]
    metres_per_image: float | None


def defect_table(
    defects: Defects,
    groups: NDArray[np.int64],
    widths: NDArray[np.int64],
    classes: Sequence[str],
    mm_per_pixel: float | None,
) -> DefectTable:
    """Figures and intervals of the defects of some images.

    Args:
        groups: int64 (N,), twin group of each image.
        widths: int64 (N,), of each image in pixels, along the strip.
        mm_per_pixel: size of a pixel along the strip; None where it is not known.
    """
    names = class_names(classes)
    figures = defect_figures(defects, len(groups), len(names), metres_of(widths, mm_per_pixel))
    everything, per_class = defect_intervals(defects, groups, len(names))
    rows = zip(names, figures.per_class, per_class, strict=True)
    metres = figures.all.metres
    return DefectTable(
        classes=names,
        all=DefectRow("all", figures.all, everything),
        rows=tuple(DefectRow(*row) for row in rows) if len(names) > 1 else (),
        by_area=figures.by_area,
        metres_per_image=None if metres is None else metres / len(groups),
    )


def strip_scale(policy: Policy | None, given: float | None) -> float | None:
    """Size of a pixel along the strip in mm: as given, else as the severity rules have it; None where neither says.

    Raises:
        UserError: the two differ, or what is given is no length.
    """
    if given is not None:
        check_length("mm_per_pixel", given, "the size of a pixel")
    scale = None if policy is None or policy.severity is None else policy.severity.mm_per_pixel
    if scale is None:
        return given
    if given is not None and given != scale.along:
        raise UserError(
            f"a pixel of {given:g} mm along the strip: the severity rules of this policy say {scale.along:g} mm; leave the "
            "size out, or decide again with rules that say the same"
        )
    return scale.along
