"""Which of the four layouts a folder has."""

from pathlib import Path

from steelsight.core.errors import UserError
from steelsight.dataset.layouts import class_folders, coco, index_png, severstal
from steelsight.dataset.layouts.listing import Listing
from steelsight.dataset.model import Layout

LAYOUTS: dict[Layout, str] = {
    "severstal": "train_images/ and train.csv (ImageId,ClassId,EncodedPixels or ImageId_ClassId,EncodedPixels)",
    "index-png": "images/ and masks/, one mask per image with 0 for background and 1.. for the classes",
    "class-folders": "a folder per class with x.jpg and its mask x.png, directly or in Imgs/",
    "coco": "a JSON with images, annotations and categories beside the images or their images/ folder",
}
_SEVERSTAL_COLUMNS = {*severstal.LONG, *severstal.WIDE}


def list_dataset(data: Path, layout: Layout | None = None) -> Listing:
    """List what a user brings: a folder, or the very CSV or JSON where a folder has several.

    Raises:
        UserError: nothing there, no layout or several fit, or the layout's own rules are broken.
    """
    if not data.exists():
        raise UserError(f"{data}: there is no such folder; name the folder that holds your images and their masks")
    table = data if data.is_file() else None
    root = data.parent if table else data
    if table and table.suffix.lower() not in (".csv", ".json"):
        raise UserError(f"{data}: not a folder; name the folder of your data, or its CSV or JSON. {_described()}")
    match layout or (_by_suffix(table) if table else detect_layout(root)):
        case "severstal":
            return severstal.list_folder(root, table)
        case "index-png":
            return index_png.list_folder(root)
        case "class-folders":
            return class_folders.list_folder(root)
        case "coco":
            return coco.list_folder(root, table)


def detect_layout(root: Path) -> Layout:
    """Name the one layout that fits a folder.

    Raises:
        UserError: the folder is empty, or none or several layouts fit; the message names all four.
    """
    try:
        is_empty = not any(root.iterdir())
    except OSError as error:
        raise UserError(f"{root}: the folder cannot be read ({error.strerror}); change its rights") from error
    if is_empty:
        raise UserError(f"{root}: the folder is empty. {_described()}")
    fits: list[Layout] = []
    if severstal.candidates(root) or (root / severstal.PREFERRED).is_file():
        fits.append("severstal")
    if index_png.looks_like(root):
        fits.append("index-png")
    if class_folders.looks_like(root):
        fits.append("class-folders")
    if coco.candidates(root):
        fits.append("coco")
    if not fits and any(_SEVERSTAL_COLUMNS.intersection(severstal.header(path)) for path in root.glob("*.csv")):
        fits.append("severstal")  # so that the column that is missing gets named
    if len(fits) == 1:
        return fits[0]
    if fits:
        raise UserError(f"{root}: fits {' and '.join(fits)}; say which with `layout=`")
    raise UserError(f"{root}: no layout fits this folder. {_described()}")


def _by_suffix(table: Path) -> Layout:
    return "coco" if table.suffix.lower() == ".json" else "severstal"


def _described() -> str:
    return "The layouts are: " + "; ".join(f"{name}: {what}" for name, what in LAYOUTS.items())
