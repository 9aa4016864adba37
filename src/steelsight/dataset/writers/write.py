"""A folder of labelled images in one of the layouts that the project writes, whole or not at all."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

from steelsight.core.arguments import check_choice
from steelsight.core.errors import UserError
from steelsight.core.files import replacing
from steelsight.dataset.writers import cvat, yolo
from steelsight.dataset.writers.coco import write_coco
from steelsight.dataset.writers.cvat import write_cvat
from steelsight.dataset.writers.index_png import write_index_png
from steelsight.dataset.writers.labelled import IGNORED, Labelled
from steelsight.dataset.writers.labelme import write_labelme
from steelsight.dataset.writers.severstal import write_severstal
from steelsight.dataset.writers.yolo import write_yolo

WrittenLayout = Literal["severstal", "index-png", "coco", "labelme", "yolo", "cvat"]
"""Class folders are read and not written: an image lies in the folder of one class, and may show two."""


_INSIDE: Mapping[WrittenLayout, str] = {"cvat": f"{cvat.PLACE}/", "yolo": f"{yolo.PLACE}/"}
"""The folder that the reader of a layout takes for a part of the image's name."""


def id_of(name: str, layout: WrittenLayout) -> str:
    """The id that an image has when the folder is read again, by the name that it was written under.

    >>> id_of("a.jpg", "yolo"), id_of("a.jpg", "coco")
    ('images/train/a.jpg', 'a.jpg')
    """
    return f"{_INSIDE.get(layout, '')}{name}"


def refuse_existing(folder: Path) -> None:
    """See that nothing lies where a folder is to be written.

    Raises:
        UserError: something does.
    """
    if folder.exists() or folder.is_symlink():
        raise UserError(f"{folder}: is already there, and is never written over; name a new folder")


def write_dataset(
    folder: Path,
    layout: WrittenLayout,
    classes: Sequence[str],
    images: Iterable[Labelled],
    *,
    has_ignored: bool = False,
    beside: Callable[[Path], None] | None = None,
) -> None:
    """Write a dataset; images are taken one by one, so that they need not all be in memory.

    Args:
        folder: must not be there.
        has_ignored: whether something may be ignored in an image. Index masks hold it as 255, Severstal's layout not at
            all, and the others as a class of its own.
        beside: writes further files into the folder, when all images are written.

    Raises:
        UserError: the folder is there, the layout is none, or the disk is full or may not be written to. Nothing is left
            behind.
    """
    check_choice("layout", layout, get_args(WrittenLayout))
    refuse_existing(folder)
    with replacing(folder.absolute()) as temporary:
        temporary.mkdir()
        if has_ignored and layout not in ("index-png", "severstal"):
            classes, images = (*classes, IGNORED), (image.with_ignored_class() for image in images)
        match layout:
            case "severstal":
                write_severstal(temporary, classes, images)
            case "index-png":
                write_index_png(temporary, classes, images)
            case "coco":
                write_coco(temporary, classes, images)
            case "labelme":
                write_labelme(temporary, classes, images)
            case "yolo":
                write_yolo(temporary, classes, images)
            case "cvat":
                write_cvat(temporary, classes, images)
        if beside:
            beside(temporary)
