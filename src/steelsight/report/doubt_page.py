"""Doubtful labels: a table of all images, a page with pictures of the most doubtful ones, and these as labels to be
corrected."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup

from steelsight.core.files import write_csv, write_text
from steelsight.dataset.writers.file_names import free_name
from steelsight.dataset.writers.labelled import Labelled
from steelsight.dataset.writers.write import WrittenLayout, write_dataset
from steelsight.imaging.read import ImageError, read_content, read_image
from steelsight.imaging.rle import decode_runs, encode_mask
from steelsight.plots.hatched import hatched
from steelsight.plots.outlines import PREDICTION, TRUTH, Outline, jpeg, outlined, page_width
from steelsight.plots.style import class_names
from steelsight.report.page import render
from steelsight.selection.doubt import Doubt, Doubts

TABLE = "doubt.csv"
PAGE = "index.html"
COLUMNS = (
    *("rank", "image", "doubt", "why", "missing", "missing_class", "denied", "denied_class"),
    *("unlikely", "p_defect", "fold"),
)

LEAST_AREA = 16  # pixels of a suggested part


@dataclass(frozen=True)
class Shown:
    """One image of the page."""

    rank: int
    image_id: str
    score: float
    why: str
    p_defect: float
    source: Markup | None
    width: int


def write_doubts(doubts: Doubts, out: Path, most: int) -> tuple[Path, Path]:
    """Write doubt.csv with all images and index.html with pictures of the `most` doubtful ones; returns both paths.

    Raises:
        UserError: the disk is full or may not be written to.
    """
    record = doubts.evidence.record
    names = class_names(record.classes)
    rows = (
        (
            rank,
            record.samples[one.index].image_id,
            f"{one.score:.4f}",
            one.why(names),
            f"{one.missing[1]:.4f}",
            record.classes[one.missing[0]],
            f"{one.denied[1]:.4f}",
            record.classes[one.denied[0]],
            f"{one.unlikely:.4f}",
            f"{one.p_defect:.4f}",
            int(record.folds[one.index]),
        )
        for rank, one in enumerate(doubts.ranked, start=1)
    )
    write_csv(out / TABLE, COLUMNS, rows)
    shown = [_shown(doubts, one, rank, names) for rank, one in enumerate(doubts.ranked[:most], start=1)]
    views = {"run": doubts.evidence.run.name, "images": len(doubts.ranked), "shown": shown, "table": TABLE}
    write_text(out / PAGE, render(views, "doubt.html.j2"))
    return out / TABLE, out / PAGE


def write_doubt_labels(doubts: Doubts, folder: Path, layout: WrittenLayout, most: int) -> Path:
    """Write the `most` doubtful images with their masks as they are and, as classes of their own with a question mark, what
    networks see where no mask is; returns the folder.

    Raises:
        UserError: the folder is there, an image has gone, or the disk is full.
    """
    record = doubts.evidence.record
    classes = (*record.classes, *(f"{name}?" for name in record.classes))
    taken: set[str] = set()

    def labelled(one: Doubt) -> Labelled:
        sample = record.samples[one.index]
        seen = doubts.marked(one.index)
        suggested = [
            encode_mask(marked & ~decode_runs(runs, sample.size))
            for marked, runs in zip(seen, sample.runs, strict=True)
        ]
        masks = (*sample.runs, *suggested)
        name = free_name(sample.image_id, taken, by_stem=True)
        return Labelled(name, read_content(sample.path), sample.size, masks, ignored=sample.ignored)

    has_ignored = any(record.samples[one.index].ignored.area for one in doubts.ranked[:most])
    images = (labelled(one) for one in doubts.ranked[:most])
    write_dataset(folder, layout, classes, images, has_ignored=has_ignored)
    return folder


def _shown(doubts: Doubts, one: Doubt, rank: int, names: Sequence[str]) -> Shown:
    sample = doubts.evidence.record.samples[one.index]
    try:
        image = read_image(sample.path)
    except ImageError:
        return Shown(rank, sample.image_id, one.score, one.why(names), one.p_defect, None, 0)
    seen = np.stack([mask if mask.sum() >= LEAST_AREA else mask & False for mask in doubts.marked(one.index)])
    outlines = [Outline(sample.mask(), TRUTH), Outline(seen, PREDICTION, "dashed")]
    picture = outlined(hatched(image, sample.ignored_mask()), outlines, doubts.evidence.record.classes)
    return Shown(rank, sample.image_id, one.score, one.why(names), one.p_defect, jpeg(picture), page_width(picture))
