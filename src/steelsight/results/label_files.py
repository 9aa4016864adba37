"""What was found, as label files for a labelling tool: to be corrected there rather than drawn anew.

They are made of the finished tables, so that a run that was stopped and went on has them whole.
"""

import csv
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from steelsight.cascade.sources import Source
from steelsight.core.files import replacing
from steelsight.core.safe_names import from_cell
from steelsight.dataset.writers.coco import coco_json
from steelsight.dataset.writers.cvat import cvat_xml
from steelsight.dataset.writers.labelme import labelme_json
from steelsight.imaging.object_store import ImagePath, StoredObject
from steelsight.imaging.rle import Runs, parse_runs
from steelsight.results.pictures import picture_names
from steelsight.results.tables import IMAGES, SUBMISSION, as_written

LabelKind = Literal["labelme", "cvat", "coco"]

_LONGEST_FIELD = 2**31 - 1

Labels = tuple[str, ImagePath, tuple[int, int], tuple[Runs, ...]]
"""Name, file, height and width of an image, and the mask of each class."""


def write_label_files(out: Path, kind: LabelKind, classes: Sequence[str], sources: Sequence[Source]) -> Path:
    """Write OUT/labels_<kind>, of all images that were judged, and return it.

    labelme: a JSON for each image, called like its mask; cvat and coco: one file. A name in cvat is that of the tables, since
    XML has no control characters; JSON has an escape for every name, with which the image is found.

    Args:
        out: folder with the finished tables.
        classes: defect class names.
        sources: all images.

    Raises:
        UserError: the disk is full or may not be written to.
    """
    folder = out / f"labels_{kind}"
    with replacing(folder) as temporary:
        temporary.mkdir()
        found = _found(out, classes, sources)
        match kind:
            case "labelme":
                names = picture_names(source.image_id for source in sources)
                for image_id, path, size, masks in found:
                    file = temporary / f"{names[image_id]}.json"
                    file.parent.mkdir(parents=True, exist_ok=True)
                    place = folder / f"{names[image_id]}.json"
                    text = labelme_json(_relative(path, place.parent), size, classes, masks)
                    # of what is no UTF-8, Python's escape is that of JSON
                    file.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
            case "cvat":
                with (temporary / "annotations.xml").open("w", encoding="utf-8", newline="\n") as stream:
                    stream.writelines(cvat_xml(classes, ((name, size, masks) for name, _, size, masks in found)))
            case "coco":
                text = coco_json(classes, ((name, size, masks) for name, _, size, masks in found))
                (temporary / "annotations.json").write_text(text, encoding="utf-8", newline="\n")
    return folder


def _relative(path: ImagePath, folder: Path) -> str:
    """The way from a folder to a file, as labelme opens it; on another drive there is none, and of an object its URL."""
    if isinstance(path, StoredObject):
        return path.url
    try:
        return Path(os.path.relpath(path.absolute(), folder.absolute())).as_posix()
    except ValueError:
        return path.absolute().as_posix()


def _found(out: Path, classes: Sequence[str], sources: Sequence[Source]) -> Iterator[Labels]:
    """What the tables say of each image that was judged: both have the order of the sources, the one on masks a row a
    class."""
    sizes = {row["ImageId"]: (int(row["height"]), int(row["width"])) for row in _rows(out / IMAGES) if not row["error"]}
    masks = (row["EncodedPixels"] for row in _rows(out / SUBMISSION))
    for source in sources:
        size = sizes.get(as_written(source.image_id))
        if size is not None:
            yield source.image_id, source.path, size, tuple(parse_runs(next(masks), size) for _ in classes)


def _rows(file: Path) -> Iterator[dict[str, str]]:
    csv.field_size_limit(_LONGEST_FIELD)
    with file.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            yield {name: from_cell(cell) for name, cell in row.items()}
