"""The connected defects of a submission: what needs the images' heights, which run lengths do not say."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from steelsight.core.errors import UserError
from steelsight.imaging.read import ImageError, image_size
from steelsight.imaging.rle import Runs
from steelsight.metrics.defect_figures import DefectFigures, defect_figures, metres_of
from steelsight.metrics.defects import Defects, match_runs
from steelsight.metrics.mask_table import MaskTable

Sizes = Mapping[str, tuple[int, int]] | tuple[int, int] | None
"""(height, width) of each image, or of all; None: not known."""


def count_defects(
    truth: MaskTable,
    prediction: MaskTable,
    images: Sequence[str],
    classes: Sequence[str],
    sizes: Sizes,
    mm_per_pixel: float | None = None,
) -> DefectFigures | None:
    """Count connected defects found and false alarms.

    Args:
        images, classes: those to judge, at least one of each.
        mm_per_pixel: size of a pixel along the strip, for false alarms per metre.

    Returns:
        None where the size of an image is not known.

    Raises:
        UserError: a run lies beyond its image.
    """
    known = dict.fromkeys(images, sizes) if isinstance(sizes, tuple) else (sizes or {})
    if any(image not in known for image in images):
        return None
    none = Runs.empty()
    for table in (truth, prediction):
        for (image, name), runs in table.runs.items():
            if image in known and runs.area and runs.ends[-1] > known[image][0] * known[image][1]:
                height, width = known[image]
                raise UserError(
                    f"{table.file}:{table.lines[image, name]}: a run ends at pixel {runs.ends[-1]}, beyond {image} of "
                    f"{height} x {width} pixels (height x width); mend the row, or give the right images or size"
                )
    defects = Defects.gather(
        [
            match_runs(truth.runs.get((image, name), none), prediction.runs.get((image, name), none), known[image][0])
            for name in classes
        ]
        for image in images
    )
    widths = [known[image][1] for image in images]
    return defect_figures(defects, len(images), len(classes), metres_of(widths, mm_per_pixel))


def sizes_in(folder: Path, images: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Sizes of images by their headers; those that cannot be read are left out."""
    found = {}
    for image in images:
        try:
            found[image] = image_size(folder / image)
        except ImageError:
            continue
    return found
