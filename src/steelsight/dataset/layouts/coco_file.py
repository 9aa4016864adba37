"""A COCO file as it stands: what is odd in one entry is a fault of that entry, not of the file."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from steelsight.core.errors import UserError
from steelsight.core.model import Location, explain
from steelsight.dataset.layouts.json_file import read_json
from steelsight.dataset.model import Fault

_WHOLE = re.compile(r"[+-]?[0-9]+(\.0+)?", re.ASCII)


class CocoImage(BaseModel):
    """One entry of `images`."""

    id: int | str
    file_name: str
    width: int | None = None
    height: int | None = None


class CocoCategory(BaseModel):
    """One entry of `categories`."""

    id: int | str
    name: str
    supercategory: Any = None


@dataclass(frozen=True)
class CocoAnnotation:
    """One entry of `annotations`.

    Attributes:
        label: what it is called in a message.
        image_id: a number or a text, which need not be that of an image.
        category_id, segmentation, bbox, area: as they stand, whatever they are.
    """

    label: str
    image_id: float | str
    category_id: Any
    segmentation: Any
    bbox: Any
    area: Any


@dataclass(frozen=True)
class CocoFile:
    """The parts of a COCO file that are read, with the faults of entries that are none."""

    images: tuple[CocoImage, ...]
    annotations: tuple[CocoAnnotation, ...]
    categories: tuple[CocoCategory, ...]
    faults: tuple[Fault, ...]


def load(file: Path) -> CocoFile:
    """Read a COCO file.

    Raises:
        UserError: it is not JSON, lacks a part, or has no image or a category that cannot be read.
    """
    content = _parsed(file)
    images, annotations, categories = (_list(file, content, name) for name in ("images", "annotations", "categories"))
    faults: list[Fault] = []
    listed = [_image(file, place, one, faults) for place, one in enumerate(images)]
    read = tuple(image for image in listed if image is not None)
    if not read:
        raise UserError(f"{file}: {faults[0].message}")
    odd = [one.get("id") for one, image in zip(images, listed, strict=True) if image is None and isinstance(one, dict)]
    known = Ids(image.id for image in read)
    marks = [_annotation(file, place, one, faults) for place, one in enumerate(annotations)]
    return CocoFile(
        read,
        tuple(
            one
            for one in marks
            if one is not None and (known.find(one.image_id) is not None or one.image_id not in odd)
        ),
        tuple(_category(file, place, one) for place, one in enumerate(categories)),
        tuple(faults),
    )


class Ids:
    """Ids of a COCO file, found by the very same, else by the only one that says the same as text or as a number: files that
    were merged have ids as numbers in one place and as text in another.

    >>> Ids([1, 2]).find("1"), Ids(["1", "02"]).find(2.0), Ids([1]).find("a"), Ids([1, "1"]).find("01")
    (1, '02', None, None)
    """

    def __init__(self, known: Iterable[int | str]) -> None:
        self._exact: dict[tuple[type, int | str], int | str] = {}
        self._alike: dict[str, set[int | str]] = {}
        for one in known:
            self._exact[type(one), one] = one
            self._alike.setdefault(_plain(one), set()).add(one)

    def find(self, given: Any) -> int | str | None:
        """The id that is meant; None where there is none, or it may be any of several."""
        if isinstance(given, bool) or not isinstance(given, int | str | float):
            return None
        exact = self._exact.get((type(given), given))  # type: ignore[arg-type]
        alike = self._alike.get(_plain(given), set())
        return exact if exact is not None else next(iter(alike)) if len(alike) == 1 else None


def _plain(given: float | str) -> str:
    text = str(given).strip()
    if not _WHOLE.fullmatch(text):
        return text
    digits = text.partition(".")[0].lstrip("+")
    return digits.lstrip("0") or "0"


def _parsed(file: Path) -> dict[str, Any]:
    content = read_json(file)
    if not isinstance(content, dict):
        raise UserError(f"{file}: not a JSON object; a COCO file has images, annotations, categories")
    return content


def _list(file: Path, content: dict[str, Any], name: str) -> list[Any]:
    found = content.get(name)
    if not isinstance(found, list) or (not found and name != "annotations"):
        raise UserError(f"{file}: {name}: no list with entries; a COCO file has images, annotations, categories")
    return found


def _image(file: Path, place: int, entry: Any, faults: list[Fault]) -> CocoImage | None:
    try:
        return CocoImage.model_validate(entry)
    except ValidationError as error:
        message = _wrong(error, "images", place, "an entry of images has an id and a file_name")
    faults.append(Fault("malformed-entry", file, None, None, message))
    return None


def _category(file: Path, place: int, entry: Any) -> CocoCategory:
    try:
        return CocoCategory.model_validate(entry)
    except ValidationError as error:
        said = _wrong(error, "categories", place, "an entry of categories has an id and a name")
        raise UserError(f"{file}: {said}") from None


def _annotation(file: Path, place: int, entry: Any, faults: list[Fault]) -> CocoAnnotation | None:
    of = entry if isinstance(entry, dict) else {}
    named = isinstance(of.get("id"), int | str)
    label = f"annotation {of['id']}" if named else f"annotation number {place + 1}"
    image_id = of.get("image_id")
    if isinstance(image_id, int | str | float) and not isinstance(image_id, bool):
        return CocoAnnotation(
            label, image_id, of.get("category_id"), of.get("segmentation"), of.get("bbox"), of.get("area")
        )
    message = f"{label} has no image_id, so its image is not known; add it"
    faults.append(Fault("malformed-entry", file, None, None, message))
    return None


def _wrong(error: ValidationError, of: str, place: int, mend: str) -> str:
    def where(location: Location) -> str:
        keys = [str(part) for part in location if not str(part)[:1].isupper() and part not in ("int", "str")]
        return ".".join([of, str(place), *keys])

    return explain(error, place=where, mend=mend)
