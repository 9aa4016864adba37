"""`steelsight data check`: what is in a folder, what is wrong with it, which images are twins."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from steelsight.cli import data_make as strips
from steelsight.cli.data_convert import convert
from steelsight.cli.data_doubt import doubt
from steelsight.cli.groups import Groups, known_groups, say_known
from steelsight.cli.labelled import Bits, BoxesOption, IgnoreClass
from steelsight.cli.output import counting, finish, results, with_options
from steelsight.core.formatting import percent
from steelsight.core.safe_names import shown
from steelsight.dataset.groups import BESIDE
from steelsight.dataset.layouts.listing import Boxes
from steelsight.dataset.model import Dataset, Layout

if TYPE_CHECKING:
    from steelsight.dataset.check import DatasetSummary, TwinCount

app = typer.Typer(no_args_is_help=True, help="Check, draw and convert labelled images, and find doubtful labels.")

_MOST_SIZES = 8
_MOST_GROUPS = 10


@app.callback()
def _data() -> None: ...


app.command("make")(strips.make)
app.command("convert")(convert)
app.command("doubt")(doubt)


@app.command("check")
def check(
    data: Annotated[Path, typer.Argument(help="Folder of images and their labels; or its CSV, JSON or XML.")],
    layout: Annotated[Layout | None, typer.Option(help="How the folder is laid out; detected when left out.")] = None,
    boxes: BoxesOption = None,
    bits: Bits = None,
    ignore_class: IgnoreClass = None,
    twins: Annotated[bool, typer.Option(help="Look for images of one surface.")] = True,
    groups: Groups = None,
    page: Annotated[
        Path | None,
        typer.Option(help="Write a page with the images, their masks, twins and faults: the file to write."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Count classes, sizes, areas and twins, and list every fault. Exit status 2 if there is a fault, 3 if there is none
    and images are left out."""
    from steelsight.dataset.check import summarise
    from steelsight.dataset.depth import with_bits
    from steelsight.dataset.read import read_dataset

    with counting("reading images") as advance:
        read = read_dataset(data, layout, boxes=boxes, ignore_class=ignore_class or (), progress=advance)
    dataset = with_bits(read, bits)
    known = known_groups(groups, dataset)
    found = None
    if twins:
        from steelsight.dataset.twins import find_twins

        with counting("looking for twins") as advance:
            found = find_twins([sample.path for sample in dataset.samples], progress=advance)
    summary = summarise(dataset, found)
    if not as_json:
        _show(dataset, summary)
    say_known(known, found, len(dataset.samples))
    wrote = []
    if page is not None:
        from steelsight.report.data_page import write_data_page

        with counting("looking at defects") as advance:
            wrote.append(write_data_page(dataset, page, found, progress=advance))
    following = _next(data, layout, boxes, bits, ignore_class or (), groups, dataset)
    finish(wrote, following, as_json=as_json, figures=_figures(dataset, summary))
    if dataset.faults:
        raise typer.Exit(2)
    if dataset.left_out:
        raise typer.Exit(3)


def _next(
    data: Path,
    layout: Layout | None,
    boxes: Boxes | None,
    bits: int | None,
    ignore_class: Sequence[str],
    groups: str | None,
    dataset: Dataset,
) -> str | None:
    """The quick training, which takes minutes, with the options that the check was given."""
    if not dataset.samples:
        return None
    chosen = f" --layout {layout}" if layout else ""
    chosen += f" --boxes {boxes}" if boxes else ""
    chosen += f" --bits {bits}" if bits else ""
    chosen += "".join(f" --ignore-class {shlex.quote(name)}" for name in ignore_class)
    known = groups or next((str(table) for table in [dataset.root / BESIDE] if table.is_file()), None)
    chosen += f" --groups {shlex.quote(known)}" if known else ""
    skip = " --skip-faulty" if dataset.faults else ""
    return f"steelsight train {shlex.quote(str(data))}{chosen} --quick --out run{skip}"


def _figures(dataset: Dataset, summary: "DatasetSummary") -> dict[str, Any]:
    from steelsight.dataset.check import QUANTILES

    faults = [
        {
            "kind": fault.kind,
            "file": str(fault.file),
            "line": fault.line,
            "image_id": fault.image_id,
            "message": fault.message,
        }
        for fault in dataset.faults
    ]
    return {
        "root": str(dataset.root),
        "layout": dataset.layout,
        "without_masks": len(dataset.without_masks),
        "bits": None if dataset.depth is None else dataset.depth.bits,
        "ignored": {
            "classes": dataset.ignored_classes,
            "images": sum(bool(sample.ignored.area) for sample in dataset.samples),
            "pixels": sum(sample.ignored.area for sample in dataset.samples),
        },
        **summary.as_dict(),
        "notes": _notes(dataset),
        "area_quantiles": QUANTILES,
        "faults": faults,
        "remarks": [
            {"kind": one.kind, "file": str(one.file), "images": one.images, "message": with_options(one.message)}
            for one in dataset.remarks
        ],
    }


def _show(dataset: Dataset, summary: "DatasetSummary") -> None:
    results.print(
        f"[bold]{escape(str(dataset.root))}[/]: {summary.images:,} images without a fault, "
        f"{summary.defect_free:,} of them defect-free; layout {dataset.layout}",
        soft_wrap=True,
        highlight=False,
    )
    if dataset.without_masks:
        results.print(
            f"Beside them {len(dataset.without_masks):,} images without masks (only their classes are known): classifiers "
            "learn that they show a defect, and an inspector that is calibrated on them counts them for its bounds",
            highlight=False,
            soft_wrap=True,
        )
    results.print(_class_table(summary))
    results.print(_count_table(summary))
    results.print(_size_table(summary))
    if summary.twins:
        _show_twins(summary.twins)
    for said in (*_notes(dataset), *(with_options(remark.message) for remark in dataset.remarks)):
        results.print(f"[bold yellow]note[/]: {escape(shown(said))}", soft_wrap=True, highlight=False)
    _show_faults(dataset, summary)


def _notes(dataset: Dataset) -> tuple[str, ...]:
    """What was taken to be so, and what the images cannot teach."""
    from steelsight.dataset.cannot_teach import lacks

    return (*dataset.notes, *lacks(dataset.classes, dataset.samples))


def _class_table(summary: "DatasetSummary") -> Table:
    from steelsight.dataset.check import QUANTILES

    table = _table("Classes, and the pixels of a class in an image that shows it")
    table.add_column("class", overflow="fold")
    for heading in ("images", "share", *(_quantile_name(q) for q in QUANTILES)):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in summary.classes:
        areas = [f"{area:,}" for area in row.areas] or ["-"] * len(QUANTILES)
        table.add_row(escape(row.name), f"{row.images:,}", percent(row.share, 1), *areas)
    return table


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, min_width=len(title))


def _quantile_name(quantile: float) -> str:
    return {0.0: "least", 0.5: "median", 1.0: "most"}.get(quantile, percent(quantile))


def _count_table(summary: "DatasetSummary") -> Table:
    table = _table("Classes in an image")
    table.add_column("classes", justify="right")
    table.add_column("images", justify="right")
    for number, images in summary.classes_per_image.items():
        table.add_row(str(number), f"{images:,}")
    return table


def _size_table(summary: "DatasetSummary") -> Table:
    table = _table("Sizes")
    table.add_column("width x height", justify="right")
    table.add_column("images", justify="right")
    for (height, width), images in summary.sizes[:_MOST_SIZES]:
        table.add_row(f"{width} x {height}", f"{images:,}")
    rest = summary.sizes[_MOST_SIZES:]
    if rest:
        table.add_row(f"{len(rest):,} more sizes", f"{sum(images for _, images in rest):,}")
    return table


def _show_twins(twins: "TwinCount") -> None:
    groups = f"{twins.groups:,} group{'' if twins.groups == 1 else 's'}"
    results.print(
        f"Twins, images of one surface: {twins.images:,} in {groups}, the largest of {twins.largest}"
        if twins.groups
        else "Twins, images of one surface: none",
        highlight=False,
        soft_wrap=True,
    )
    if twins.differing:
        results.print(
            f"{len(twins.differing):,} of them labelled with different classes, so one label may be wrong:",
            highlight=False,
            soft_wrap=True,
        )
    for group in twins.differing[:_MOST_GROUPS]:
        results.print(f"  {escape(', '.join(group))}", soft_wrap=True, highlight=False)
    if len(twins.differing) > _MOST_GROUPS:
        results.print(f"  and {len(twins.differing) - _MOST_GROUPS} more groups (--json lists all)", highlight=False)


def _show_faults(dataset: Dataset, summary: "DatasetSummary") -> None:
    from steelsight.dataset.check import fault_place

    if not dataset.faults:
        results.print("[green]No faults.[/]")
        return
    kinds = ", ".join(f"{count} {kind}" for kind, count in summary.fault_kinds.items())
    results.print(f"[bold red]{len(dataset.faults)} faults[/]: {kinds}", soft_wrap=True, highlight=False)
    for fault in dataset.faults:
        results.print(
            f"{escape(shown(fault_place(fault)))}: [red]{fault.kind}[/]: {escape(shown(fault.message))}",
            soft_wrap=True,
            highlight=False,
        )
