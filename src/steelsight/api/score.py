"""`steelsight.score`: a table of predicted masks, judged against one of true masks."""

from collections.abc import Sequence
from pathlib import Path

from steelsight.core.arguments import check_size
from steelsight.core.errors import UserError
from steelsight.metrics.mask_table import read_mask_table
from steelsight.metrics.submission import Score, image_suffixes, read_image_list, score_submission
from steelsight.metrics.submitted_defects import Sizes, sizes_in


def score(
    truth: str | Path,
    predicted: str | Path,
    *,
    images: str | Path | None = None,
    classes: Sequence[str] | None = None,
    size: tuple[int, int] | None = None,
    mm_per_pixel: float | None = None,
) -> Score:
    """Judge a table of predicted masks against one of true masks, as the Severstal competition does and beyond.

    Args:
        truth, predicted: CSV files of run lengths, in either layout, as `submission.csv` of an inspection.
        images: a folder of the images to judge, or a list of them; those that either file names if left out.
        classes: those to judge; those of the truth file if left out.
        size: (height, width) in pixels of every image; with it, or with `images` as a folder, connected defects are counted.
        mm_per_pixel: size of a pixel along the strip, for false alarms per metre.

    Returns:
        `figures.dice` is the competition's mean, in [0, 1]; `defects` is None if no size is known.

    Raises:
        UserError: a file is no such table, the two do not belong together, a run lies beyond its image, or an argument is
            out of its range.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for name, runs in (("truth", "1 4"), ("predicted", "1 2")):
    ...         text = f"ImageId,ClassId,EncodedPixels\\na.jpg,1,{runs}\\n"
    ...         _ = (Path(folder) / f"{name}.csv").write_text(text)
    ...     scored = score(f"{folder}/truth.csv", f"{folder}/predicted.csv", size=(4, 4))
    >>> round(scored.figures.dice, 4), scored.defects.all.found
    (0.6667, 1)
    """
    if size is not None:
        check_size("size", size)
    true_masks, masks = read_mask_table(Path(truth), size), read_mask_table(Path(predicted), size)
    folder = None if images is None else Path(images)
    names = None if folder is None else read_image_list(folder, image_suffixes(true_masks, masks))
    sizes: Sizes = size
    if size is None and folder is not None and folder.is_dir():
        sizes = sizes_in(folder, names or ())
    scored = score_submission(true_masks, masks, names, classes, sizes, mm_per_pixel)
    if mm_per_pixel is not None and scored.defects is None:
        raise UserError(
            f"`mm_per_pixel={mm_per_pixel:g}`: a length needs the images' widths; give `size=`, or `images=` as a folder of "
            "them"
        )
    return scored
