"""Which layout a folder has."""

from dataclasses import replace
from pathlib import Path

from steelsight.core.errors import UserError
from steelsight.core.safe_names import shown
from steelsight.dataset.layouts import (
    class_folders,
    coco,
    colour_masks,
    cvat,
    image_labels,
    index_png,
    label_studio,
    labelme,
    mvtec,
    severstal,
    voc,
    yolo,
)
from steelsight.dataset.layouts.listing import Boxes, Listing
from steelsight.dataset.layouts.looks_like import looks_like
from steelsight.dataset.layouts.text_file import table_header
from steelsight.dataset.model import Layout

_SEVERSTAL_COLUMNS = {*severstal.LONG, *severstal.WIDE}
_FILES = (".csv", ".json", ".xml")


def list_dataset(
    data: Path,
    layout: Layout | None = None,
    boxes: Boxes | None = None,
    ignore: frozenset[str] = frozenset(),
) -> Listing:
    """List what a user brings: a folder, or the very CSV, JSON or XML where a folder has several.

    Args:
        boxes: what boxes count as, in the layouts that have some.
        ignore: names of labels that mean what is not to be judged, beside those that say it themselves.

    Raises:
        UserError: nothing there, no layout or several fit, or the layout's own rules are broken.
    """
    if not data.exists():
        raise UserError(f"{data}: there is no such folder; name the folder that holds your images and their masks")
    table = data if data.is_file() else None
    root = data.parent if table else data
    if table and table.suffix.lower() not in _FILES:
        raise UserError(f"{data}: not a folder; name the folder of your data, or its CSV, JSON or XML")
    chosen = layout or (_of_file(table) if table else detect_layout(root))
    listing = _listed(chosen, root, table, boxes, ignore)
    labels = root / image_labels.TABLE
    if chosen == "image-labels" or labels == table or not labels.is_file():
        return listing
    if image_labels.is_table(labels):
        return image_labels.joined(listing, labels, ignore)
    columns = table_header(labels)
    if _SEVERSTAL_COLUMNS.intersection(columns):  # the layout's own table, or one like it
        return listing
    note = (
        f"{labels.name}: not read, since its columns are {', '.join(map(shown, columns))}; a table of what images "
        "show has the columns image and class"
    )
    return replace(listing, notes=(*listing.notes, note))


def _listed(layout: Layout, root: Path, table: Path | None, boxes: Boxes | None, ignore: frozenset[str]) -> Listing:
    match layout:
        case "severstal":
            return severstal.list_folder(root, table)
        case "index-png":
            return index_png.list_folder(root, ignore=ignore)
        case "class-folders":
            return class_folders.list_folder(root)
        case "coco":
            return coco.list_folder(root, table, boxes=boxes, ignore=ignore)
        case "labelme":
            return labelme.list_folder(root, boxes=boxes, ignore=ignore)
        case "cvat":
            return cvat.list_folder(root, table, boxes=boxes, ignore=ignore)
        case "yolo":
            return yolo.list_folder(root, boxes=boxes, ignore=ignore)
        case "voc":
            return voc.list_folder(root, boxes=boxes, ignore=ignore)
        case "label-studio":
            return label_studio.list_folder(root, table, boxes=boxes, ignore=ignore)
        case "mvtec":
            return mvtec.list_folder(root)
        case "colour-masks":
            return colour_masks.list_folder(root)
        case "image-labels":
            return image_labels.list_folder(root, table)


def detect_layout(root: Path) -> Layout:
    """Name the one layout that fits a folder.

    Raises:
        UserError: the folder is empty, or none or several layouts fit; the message says what the folder looks like.
    """
    try:
        is_empty = not any(root.iterdir())
    except OSError as error:
        raise UserError(f"{root}: the folder cannot be read ({error.strerror}); change its rights") from error
    if is_empty:
        raise UserError(
            f"{root}: the folder is empty; put your images there, with what the labelling tool saves or exports beside them"
        )
    fits = _fitting(root)
    tables = sorted(root.glob("*.csv"))
    if not fits and any(map(_has_some_columns, tables)):
        fits.append("severstal")  # so that the column that is missing gets named
    if not fits and image_labels.is_table(root / image_labels.TABLE):
        fits.append("image-labels")
    if not fits and coco.candidates(root):  # of its folders, which may also be what somebody converted to
        fits.append("coco")
    if len(fits) == 1:
        return fits[0]
    if fits:
        raise UserError(f"{root}: fits {' and '.join(fits)}; say which with `layout=`")
    for table in tables:
        severstal.header(table)  # one that cannot be read may be what was meant, and is told
    raise UserError(f"{root}: no layout fits this folder. {looks_like(root)}")


def _has_some_columns(table: Path) -> bool:
    """Whether a CSV has a column of Severstal's; what is no CSV in UTF-8 may be anything else."""
    try:
        return bool(_SEVERSTAL_COLUMNS.intersection(severstal.header(table)))
    except UserError:
        return False


def _fitting(root: Path) -> list[Layout]:
    coloured = colour_masks.looks_like(root)
    seen: dict[Layout, object] = {
        "severstal": severstal.candidates(root) or (root / severstal.PREFERRED).is_file(),
        "colour-masks": coloured,
        "index-png": not coloured and index_png.looks_like(root),
        "class-folders": class_folders.looks_like(root),
        "coco": coco.own_files(root),
        "labelme": labelme.candidates(root),
        "cvat": cvat.candidates(root),
        "voc": voc.looks_like(root),
        "label-studio": label_studio.candidates(root),
        "mvtec": mvtec.looks_like(root),
        "yolo": yolo.looks_like(root),
    }
    return [layout for layout, found in seen.items() if found]


def _of_file(table: Path) -> Layout:
    """The layout of a file that was named."""
    if table.suffix.lower() == ".xml":
        return "cvat"
    if table.suffix.lower() == ".json":
        return "label-studio" if label_studio.is_export(table) else "coco"
    return "image-labels" if image_labels.is_table(table) else "severstal"
