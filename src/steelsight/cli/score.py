"""`steelsight score`: judge a submission against a truth file."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from steelsight.cli.output import finish, results, with_options
from steelsight.core.errors import UserError
from steelsight.core.formatting import percent
from steelsight.metrics.defect_figures import DefectCounts, DefectFigures
from steelsight.metrics.mask_table import read_mask_table
from steelsight.metrics.submission import Score, image_suffixes, read_image_list, score_submission
from steelsight.metrics.submitted_defects import Sizes, sizes_in

_SIZES = "give --size, or images that can be read by --images FOLDER"


def score(
    truth: Annotated[Path, typer.Argument(help="CSV of the true masks, in either layout.")],
    prediction: Annotated[Path, typer.Argument(help="CSV of the predicted masks, in either layout.")],
    images: Annotated[
        Path | None,
        typer.Option(
            help="Judge these images: a folder of them, or a list (text or CSV). Default: those of both files."
        ),
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(
            help="Judge these classes, separated by commas; a name with a comma stands in double quotes, as in CSV. "
            "Default: those of the truth file."
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            help="Height and width of every image, as 256x1600: refuse runs that lie beyond it, and count connected defects, "
            "as with --images FOLDER."
        ),
    ] = None,
    mm_per_pixel: Annotated[
        float | None,
        typer.Option(min=1e-6, help="Size of a pixel along the strip in mm, to tell false alarms per metre of strip."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Score masks against the truth, both as files of run lengths: competition Dice and related figures. No images are
    needed. If their sizes are known, connected defects are counted as well: the share found, and false alarms."""
    bounds = _size(size)
    true_masks, predicted_masks = read_mask_table(truth, bounds), read_mask_table(prediction, bounds)
    names = read_image_list(images, image_suffixes(true_masks, predicted_masks)) if images else None
    sizes: Sizes = bounds
    if sizes is None and images is not None and images.is_dir():
        sizes = sizes_in(images, names or ())
    result = score_submission(true_masks, predicted_masks, names, _classes(classes), sizes, mm_per_pixel)
    if mm_per_pixel is not None and result.defects is None:
        raise UserError(f"--mm-per-pixel {mm_per_pixel:g}: a length needs the images' widths; {_SIZES}")
    if not as_json:
        _show(result)
        _show_defects(result.defects, result.classes)
    figures = {**result.as_dict(), "notes": [with_options(note) for note in result.notes]}
    finish([], None, as_json=as_json, figures=figures)


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    found = re.fullmatch(r"([1-9][0-9]{0,8})[xX]([1-9][0-9]{0,8})", text.strip(), re.ASCII)
    if not found:
        raise UserError(f"--size: {text!r} is no size; write height x width in pixels, as 256x1600")
    return int(found[1]), int(found[2])


def _classes(text: str | None) -> list[str] | None:
    if text is None:
        return None
    try:
        row = next(csv.reader([text], skipinitialspace=True), [])
    except csv.Error as error:
        raise UserError(f"--classes: {text!r} is no row of CSV ({error}); write them as 1,2,3,4") from error
    names = [name.strip() for name in row if name.strip()]
    if not names:
        raise UserError(f"--classes: {text!r} names no class; write them as 1,2,3,4")
    return names


def _show(result: Score) -> None:
    figures = result.figures
    table = Table(
        title=f"{figures.images} images x {len(result.classes)} classes = {figures.pairs} pairs",
        caption="floor: what an all-empty answer scores; IoU: of the pixels of all images; below, its mean over classes",
    )
    table.add_column("class")
    for heading in (
        "Dice",
        "floor",
        "Dice of pairs\nwith defect",
        "false alarms on\nempty pairs",
        "IoU",
        "defects",
        "predicted",
    ):
        table.add_column(heading, justify="right")
    rows = zip(
        result.classes,
        figures.per_class,
        figures.floor_per_class,
        figures.defective_per_class,
        figures.false_alarm_per_class,
        figures.iou_per_class,
        figures.defective_pairs_per_class,
        figures.predicted_pairs_per_class,
        strict=True,
    )
    for name, *row in rows:
        table.add_row(escape(name), *_cells(*row))
    table.add_section()
    table.add_row(
        "[bold]all[/]",
        *_cells(
            figures.dice,
            figures.floor,
            figures.defective_dice,
            figures.false_alarm_share,
            figures.mean_iou,
            sum(figures.defective_pairs_per_class),
            sum(figures.predicted_pairs_per_class),
        ),
    )
    results.print(table)
    for note in result.notes:
        results.print(f"note: {escape(with_options(note))}", soft_wrap=True, highlight=False)


def _cells(
    dice: float, floor: float, defective: float, alarms: float, iou: float, defects: float, predicted: float
) -> list[str]:
    *shares, overlap = (f"{value:.4f}" if value == value else "-" for value in (dice, floor, defective, iou))
    return [*shares, percent(alarms, 2) if alarms == alarms else "-", overlap, f"{defects:.0f}", f"{predicted:.0f}"]


def _show_defects(figures: DefectFigures | None, classes: Sequence[str]) -> None:
    if figures is None:
        results.print(f"connected defects are not counted without the images' sizes: {_SIZES}", soft_wrap=True)
        return
    table = Table(
        title="connected defects",
        caption="found: with any pixel marked as its class; false alarms: marked regions that touch no defect of their class",
    )
    table.add_column("")
    per_metre = ("per metre",) if figures.all.metres is not None else ()
    for heading in ("annotated", "found", "found by half", "marked", "false alarms", "per image", *per_metre):
        table.add_column(heading, justify="right")
    for name, counts in zip(classes, figures.per_class, strict=True):
        table.add_row(escape(name), *_counted(counts))
    table.add_section()
    for of in figures.by_area:
        table.add_row(f"{of.least:,} to {of.most:,} px", *_counted(of.all))
    table.add_section()
    table.add_row("[bold]all[/]", *_counted(figures.all))
    results.print(table)


def _counted(of: DefectCounts) -> list[str]:
    shares = (
        f"{count} ({percent(share, 1)})" if of.annotated else "-"
        for count, share in ((of.found, of.found_share), (of.half_found, of.half_found_share))
    )
    per_metre = of.false_alarms_per_metre
    rates = (of.false_alarms_per_image, *(() if per_metre is None else (per_metre,)))
    return [str(of.annotated), *shares, str(of.marked), str(of.false_alarms), *(f"{rate:.4g}" for rate in rates)]
