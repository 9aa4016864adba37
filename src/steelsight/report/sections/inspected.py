"""Section New images: what an inspector said of images that nobody has labelled, from the folder that it wrote."""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from markupsafe import Markup

from steelsight.cascade.sources import OVERLAYS
from steelsight.core.commands import command
from steelsight.core.errors import UserError
from steelsight.core.formatting import percent
from steelsight.core.open_inside import leads_out
from steelsight.core.parsing import whole
from steelsight.core.safe_names import from_cell, shown
from steelsight.imaging.read import ImageError, read_image
from steelsight.plots.outlines import display, fitted, jpeg, page_width
from steelsight.plots.style import class_names
from steelsight.results.pictures import picture_names
from steelsight.results.tables import IMAGES
from steelsight.verdicts.severity import VerdictAnswer

_FOUND, _MISSED, _SUSPECTED, _CLEAN = 8, 4, 4, 4  # pictures of each kind
_ROUNDED = 1e-6  # of a share in the table


@dataclass(frozen=True)
class Inspected:
    """One image: its overlay, and what images.csv says of it; `verdict` is empty where there is no policy."""

    source: Markup
    width: int
    image_id: str
    verdict: str
    p_defect: float
    found: tuple[str, ...]
    suspected: tuple[str, ...]
    flags: str


@dataclass(frozen=True)
class InspectedView:
    """What the template of this section reads; `verdicts` are those that were given, with how many images. In those that are
    `suspected` nothing was found, yet there is a place to look at; those that are `missed` did not pass, and show no place to
    look at; for those that are `unjudged` a network gave no
    probability. Where nothing is `classified`, every P(defect) in the table is 1 and was said by nobody."""

    folder: str
    images: int
    defective: int
    missed: int
    suspected: int
    flagged: int
    unreadable: int
    unjudged: int
    classified: bool
    verdicts: tuple[tuple[str, int], ...]
    pictures: tuple[Inspected, ...]


def inspected_view(folder: Path, classes: Sequence[str]) -> InspectedView:
    """Read a folder that `steelsight inspect` or `predict` wrote, with overlays.

    Shown are the images most surely defective, those that did not pass although nothing is marked or suspected, which may
    be missed defects, those in which something is only suspected, then those most surely clean.

    Raises:
        UserError: the folder lacks images.csv or the overlays, or is of other classes.
    """
    rows = _rows(folder, classes)
    names, overlays = picture_names(row["ImageId"] for row in rows), _Overlays(folder / OVERLAYS)
    read = [row for row in rows if not row["error"]]
    found = sorted((row for row in read if row["classes"]), key=_p_defect, reverse=True)
    doubtful = [row for row in read if not row["classes"] and _suspected(row, classes)]
    doubtful.sort(key=_p_defect, reverse=True)
    empty = sorted((row for row in read if not row["classes"] and not _suspected(row, classes)), key=_p_defect)
    missed = [row for row in reversed(empty) if _may_be_missed(row)]
    clean = [row for row in empty if not _may_be_missed(row)]
    given = Counter(row["verdict"] for row in rows)
    chosen = [*found[:_FOUND], *missed[:_MISSED], *doubtful[:_SUSPECTED], *clean[:_CLEAN]]
    return InspectedView(
        folder=str(folder),
        images=len(rows),
        defective=len(found),
        missed=len(missed),
        suspected=len(doubtful),
        flagged=sum(bool(row["flags"]) for row in read),
        unreadable=sum(not row["height"] for row in rows),
        unjudged=sum(bool(row["error"] and row["height"]) for row in rows),
        classified=any(row["verdict"] or _p_defect(row) < 1 for row in read),
        verdicts=tuple((answer, count) for answer in get_args(VerdictAnswer) if (count := given[answer])),
        pictures=tuple(_picture(overlays.path(names[row["ImageId"]]), row, classes) for row in chosen),
    )


def _may_be_missed(row: Mapping[str, str]) -> bool:
    """Whether an image in which nothing is marked or suspected did not pass all the same."""
    return row["verdict"] in ("review", "reject") and not row["flags"]


def _rows(folder: Path, classes: Sequence[str]) -> list[dict[str, str]]:
    path = folder / IMAGES
    if not path.is_file():
        raise UserError(
            f"{path}: not found; name a folder that "
            f"`{command('inspect', 'INSPECTOR', 'IMAGES', out=folder, overlays=True)}` wrote"
        )
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = [name for name in _columns(classes) if name not in (reader.fieldnames or ())]
            if missing:
                raise UserError(
                    f"{path}: no column {missing[0]}; it was not made by an inspector of this run's classes"
                )
            return [_checked(row, reader.line_num, path, classes) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: not a table ({error}); run inspect again") from error


def _checked(row: dict[str, str], line: int, path: Path, classes: Sequence[str]) -> dict[str, str]:
    """A row as it is read below: as many cells as columns, and numbers where numbers stand."""
    try:
        if None in row or None in row.values():
            raise ValueError("another number of cells than in the header")
        areas = [row.get(f"{kind}_{name}") for kind in ("area", "suspected_area") for name in classes]
        for area in areas:
            whole(area or "0")
        if not row["error"] and not all(whole(row[side]) for side in ("height", "width")):
            raise ValueError("an image has a side of 0 pixels")
        shares = [] if row["error"] else [row["p_defect"], *(row[f"share_{name}"] or "0" for name in classes)]
        wrong = [share for share in shares if not 0 <= float(share) <= 1]
        if wrong:
            raise ValueError(f"{wrong[0]} is no share from 0 to 1")
    except ValueError as error:
        raise UserError(f"{path}, line {line}: {error}; run inspect again") from error
    return {**row, "ImageId": from_cell(row["ImageId"])}


def _columns(classes: Sequence[str]) -> list[str]:
    of_classes = [f"{kind}_{name}" for kind in ("area", "share") for name in classes]
    return ["ImageId", "verdict", "height", "width", "p_defect", "classes", *of_classes, "flags", "error"]


class _Overlays:
    """The overlays of a folder, which strangers may have made: a name of their table is looked for among those that there
    are, as these stand in tables, and never becomes a path. It may stand for one with control characters."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        found = [path.relative_to(folder).as_posix() for path in folder.rglob("*.jpg")]
        self._there = {shown(name): name for name in found}

    def path(self, name: str) -> Path:
        """Where the overlay of a picture's name is.

        Raises:
            UserError: there is none, or it leads to a file elsewhere.
        """
        there = self._there.get(f"{name}.jpg")
        if there is None or leads_out(self._folder, there):
            raise UserError(f"{self._folder}: no picture {shown(name)}.jpg; run inspect again with `overlays=`")
        return self._folder / there


def _picture(path: Path, row: Mapping[str, Any], classes: Sequence[str]) -> Inspected:
    try:
        overlay = fitted(display(read_image(path)))
    except ImageError as error:
        raise UserError(f"{error}; run inspect again with `overlays=`") from error
    found = tuple(
        f"{said}: {int(row[f'area_{name}']):,} px, {percent(float(row[f'share_{name}']), 2)} of {_counted(row, name)}"
        for name, said in zip(classes, class_names(classes), strict=True)
        if row[f"area_{name}"] not in ("", "0")
    )
    judged = (row["ImageId"], row["verdict"], _p_defect(row))
    return Inspected(jpeg(overlay), page_width(overlay), *judged, found, _suspected(row, classes), row["flags"])


def _counted(row: Mapping[str, Any], name: str) -> str:
    """What the share of a class is of, which the table does not say: with a region of interest, of its pixels."""
    of_image = int(row[f"area_{name}"]) / (int(row["height"]) * int(row["width"]))
    is_whole = abs(float(row[f"share_{name}"]) - of_image) < _ROUNDED
    return "the image" if is_whole else "the region of interest"


def _suspected(row: Mapping[str, Any], classes: Sequence[str]) -> tuple[str, ...]:
    """Each suspected class with its area; none in tables of before, which have no such columns."""
    areas = [row.get(f"suspected_area_{name}") or "0" for name in classes]
    named = zip(class_names(classes), areas, strict=True)
    return tuple(f"{said}: {int(area):,} px" for said, area in named if area != "0")


def _p_defect(row: Mapping[str, Any]) -> float:
    return float(row["p_defect"])
