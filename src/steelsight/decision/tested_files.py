"""What was tested, on disk: tested.csv, a row per image, and tested_defects.csv, a row per connected defect.

An inspector carries both, so that its verdict policy can be decided again wherever it is, without networks or images.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import get_args

import numpy as np

from steelsight.decision.tested import EvidenceKind, Tested
from steelsight.errors import UserError
from steelsight.files import write_csv
from steelsight.regions import Region

IMAGES, DEFECTS = "tested.csv", "tested_defects.csv"
_FIRST = ("ImageId", "evidence", "fold", "group", "height", "width", "p_defect")
_TRUE = "true_"
_DEFECT = ("ImageId", "ClassId", "left", "top", "width", "height", "area", "probability")


def write_tested(folder: Path, tested: Tested) -> None:
    """Write both tables into a folder; probabilities keep every digit.

    Raises:
        UserError: the disk is full or may not be written to.
    """
    rows = (
        (name, tested.kind, fold, group, *size, repr(p), *truth)
        for name, fold, group, size, p, truth in zip(
            tested.image_ids,
            tested.folds.tolist(),
            tested.groups.tolist(),
            tested.sizes.tolist(),
            tested.p_defect.tolist(),
            tested.truth.tolist(),
            strict=True,
        )
    )
    defects = (
        (name, tested.classes[one.class_index], one.left, one.top, one.width, one.height, one.area, one.probability)
        for name, regions in zip(tested.image_ids, tested.regions, strict=True)
        for one in regions
    )
    write_csv(folder / DEFECTS, _DEFECT, defects)
    write_csv(folder / IMAGES, (*_FIRST, *(_TRUE + name for name in tested.classes)), rows)


def read_tested(folder: Path) -> Tested:
    """Read both tables.

    Raises:
        UserError: one is missing, or is not what `write_tested` wrote.
    """
    columns, rows = _rows(folder / IMAGES)
    if columns[: len(_FIRST)] != list(_FIRST) or not rows:
        raise UserError(f"{folder / IMAGES}: not the table of tested images; export or calibrate the inspector again")
    classes = tuple(column.removeprefix(_TRUE) for column in columns[len(_FIRST) :])
    found = _regions(folder / DEFECTS, classes)
    try:
        numbers = np.array([[int(cell) for cell in row[2:6] + row[7:]] for row in rows], np.int64)
        p_defect = np.array([float(row[6]) for row in rows], np.float64)
        kind: EvidenceKind = next(kind for kind in get_args(EvidenceKind) if kind == rows[0][1])
    except (ValueError, StopIteration) as error:
        raise UserError(f"{folder / IMAGES}: {error}; export or calibrate the inspector again") from error
    names = tuple(row[0] for row in rows)
    return Tested(
        kind=kind,
        classes=classes,
        image_ids=names,
        folds=numbers[:, 0],
        groups=numbers[:, 1],
        sizes=numbers[:, 2:4],
        p_defect=p_defect,
        truth=numbers[:, 4:],
        regions=tuple(tuple(found.get(name, ())) for name in names),
    )


def _regions(file: Path, classes: Sequence[str]) -> dict[str, list[Region]]:
    columns, rows = _rows(file)
    if columns != list(_DEFECT):
        raise UserError(f"{file}: not the table of found defects; export or calibrate the inspector again")
    found: dict[str, list[Region]] = {}
    for name, of_class, *numbers, probability in rows:
        try:
            left, top, width, height, area = map(int, numbers)
            region = Region(classes.index(of_class), left, top, width, height, area, float(probability))
        except ValueError as error:
            raise UserError(f"{file}: image {name}: {error}; export or calibrate the inspector again") from error
        found.setdefault(name, []).append(region)
    return found


def _rows(file: Path) -> tuple[list[str], list[list[str]]]:
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            reader = csv.reader(stream)
            columns = next(reader, [])
            rows = list(_checked(file, reader, len(columns)))
    except FileNotFoundError:
        raise UserError(
            f"{file}: not found, so that verdicts cannot be decided here; export the run again, or give labelled images "
            "with --calibrate"
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{file}: not a table ({error}); copy the inspector again from its source") from error
    return columns, rows


def _checked(file: Path, rows: Iterable[list[str]], cells: int) -> Iterator[list[str]]:
    for number, row in enumerate(rows, start=2):
        if len(row) != cells:
            raise UserError(f"{file}, row {number}: {len(row)} cells where there must be {cells}; export it again")
        yield row
