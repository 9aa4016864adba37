"""Images that are worth labelling: a table of all, a page with the first, and these for a labelling tool."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from steelsight.cascade.worth_labelling import Worth
from steelsight.core.files import write_csv, write_text
from steelsight.core.safe_names import told_apart
from steelsight.dataset.writers.file_names import free_name
from steelsight.dataset.writers.labelled import Labelled
from steelsight.dataset.writers.write import WrittenLayout, write_dataset
from steelsight.imaging.read import ImageError, read_content, read_image
from steelsight.imaging.rle import Runs, decode_runs
from steelsight.plots.outlines import PREDICTION, Outline, jpeg, outlined, page_width
from steelsight.report.doubt_page import LEAST_AREA, Shown
from steelsight.report.page import render

TABLE, PAGE = "worth.csv", "index.html"
COLUMNS = ("rank", "image", "worth", "why", "split", "unsure", "places", "class", "p_defect", "group")


def write_worth(
    ranked: Sequence[Worth],
    groups: Sequence[int],
    classes: Sequence[str],
    names: Sequence[str],
    out: Path,
    most: int,
    run: str,
) -> tuple[Path, Path]:
    """Write worth.csv with all images and index.html with pictures of the first `most`; returns both paths.

    Args:
        ranked: the most worth first.
        groups: of each, its group of images of one surface.
        classes, names: of the run, and as they are shown.

    Raises:
        UserError: the disk is full or may not be written to.
    """
    rows = (
        (
            rank,
            told_apart(one.source.image_id),
            f"{one.score:.4f}",
            one.why(names),
            f"{one.split:.4f}",
            f"{one.unsure:.4f}",
            f"{one.places:.4f}",
            classes[one.likely],
            f"{one.p_defect:.4f}",
            group,
        )
        for rank, (one, group) in enumerate(zip(ranked, groups, strict=True), start=1)
    )
    write_csv(out / TABLE, COLUMNS, rows)
    shown = [_shown(one, rank, names, classes) for rank, one in enumerate(ranked[:most], start=1)]
    views = {"run": run, "images": len(ranked), "shown": shown, "table": TABLE}
    write_text(out / PAGE, render(views, "worth.html.j2"))
    return out / TABLE, out / PAGE


def write_worth_labels(
    ranked: Sequence[Worth], classes: Sequence[str], folder: Path, layout: WrittenLayout, most: int
) -> Path:
    """Write the first `most` images with what networks mark as classes with a question mark; returns the folder.

    Raises:
        UserError: the folder is there, an image has gone, or the disk is full.
    """
    taken: set[str] = set()

    def labelled() -> Iterator[Labelled]:
        for one in ranked[:most]:
            name = free_name(one.source.image_id, taken, by_stem=True)
            yield Labelled(name, read_content(one.source.path), one.size, _large(one))

    write_dataset(folder, layout, tuple(f"{name}?" for name in classes), labelled())
    return folder


def _large(one: Worth) -> tuple[Runs, ...]:
    """What is marked, without specks."""
    return tuple(runs if runs.area >= LEAST_AREA else Runs.empty() for runs in one.marked)


def _shown(one: Worth, rank: int, names: Sequence[str], classes: Sequence[str]) -> Shown:
    name = told_apart(one.source.image_id)
    try:
        image = read_image(one.source.path)
    except ImageError:
        return Shown(rank, name, one.score, one.why(names), one.p_defect, None, 0)
    seen = np.stack([decode_runs(runs, one.size) for runs in _large(one)])
    picture = outlined(image, [Outline(seen, PREDICTION, "dashed")], classes)
    return Shown(rank, name, one.score, one.why(names), one.p_defect, jpeg(picture), page_width(picture))
