"""What was tested, on disk: tested.csv, a row per image, and tested_defects.csv, a row per connected defect that was found;
tested_matches.csv, a row per connected defect, annotated or marked, with what it shares with the others.

An inspector carries all of them, so that its verdict policy can be decided again wherever it is, without networks or images.
Older ones have no tested_matches.csv. Where parts of images do not count, tested.csv says how many pixels do. Where images
are known by a label alone, further columns are what each label says: 1 or 0 for each class, and for a defect without one.
Where something about images is unusual, the last column says what, of each.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from steelsight.core.commands import command
from steelsight.core.errors import UserError
from steelsight.core.files import write_csv
from steelsight.core.parsing import whole
from steelsight.core.safe_names import from_cell
from steelsight.imaging.regions import Region
from steelsight.metrics.defects import Defects
from steelsight.verdicts.evaluated import EvaluationSet, EvidenceKind

IMAGES, DEFECTS, MATCHES = "tested.csv", "tested_defects.csv", "tested_matches.csv"
_FIRST = ("ImageId", "evidence", "fold", "group", "height", "width", "p_defect")
_COUNTED, _FLAGS, _BETWEEN = "counted", "flags", ";"
_TRUE, _SHOWN = "true_", "shown_"
_UNNAMED = "shown"
"""Column of a defect without a class; no class has it, since theirs go on after `shown_`."""
_MATCH = ("ImageId", "ClassId", "kind", "area", "shared")
_KINDS = ("annotated", "marked")
_DEFECT = ("ImageId", "ClassId", "left", "top", "width", "height", "area", "probability")


def write_evaluation_set(folder: Path, tested: EvaluationSet) -> None:
    """Write the tables into a folder; probabilities keep every digit.

    Raises:
        UserError: the disk is full or may not be written to.
    """
    rows = (
        (name, tested.kind, fold, group, *size, repr(p), *area, *truth, *shown, *flags)
        for name, fold, group, size, p, area, truth, shown, flags in zip(
            tested.image_ids,
            tested.folds.tolist(),
            tested.groups.tolist(),
            tested.sizes.tolist(),
            tested.p_defect.tolist(),
            [()] * len(tested.image_ids) if tested.counted is None else tested.counted[:, None].tolist(),
            tested.truth.tolist(),
            [()] * len(tested.image_ids) if tested.shown is None else tested.shown.astype(np.int64).tolist(),
            [()] * len(tested.image_ids) if tested.flags is None else [(_BETWEEN.join(one),) for one in tested.flags],
            strict=True,
        )
    )
    defects = (
        (name, tested.classes[one.class_index], one.left, one.top, one.width, one.height, one.area, one.probability)
        for name, regions in zip(tested.image_ids, tested.regions, strict=True)
        for one in regions
    )
    (folder / MATCHES).unlink(missing_ok=True)  # of other images
    if tested.defects is not None:
        write_csv(folder / MATCHES, _MATCH, _match_rows(tested, tested.defects))
    write_csv(folder / DEFECTS, _DEFECT, defects)
    counted = () if tested.counted is None else (_COUNTED,)
    shown = () if tested.shown is None else (*(_SHOWN + name for name in tested.classes), _UNNAMED)
    flags = () if tested.flags is None else (_FLAGS,)
    write_csv(folder / IMAGES, (*_FIRST, *counted, *(_TRUE + name for name in tested.classes), *shown, *flags), rows)


def read_evaluation_set(folder: Path, contents: Mapping[str, bytes] | None = None) -> EvaluationSet:
    """Read the tables.

    Args:
        contents: what is in them, by name, where it was read before; else they are read in `folder`.

    Raises:
        UserError: one of the first two is missing, or one is not what `write_evaluation_set` wrote.
    """
    columns, rows = _rows(folder / IMAGES, contents)
    if columns[: len(_FIRST)] != list(_FIRST) or not rows:
        raise UserError(f"{folder / IMAGES}: not the table of tested images; export or calibrate the inspector again")
    is_partly = columns[len(_FIRST) :][:1] == [_COUNTED]
    has_flags = columns[-1:] == [_FLAGS]
    flags = tuple(tuple(filter(None, row.pop().split(_BETWEEN))) for row in rows) if has_flags else None
    of_classes = columns[len(_FIRST) + is_partly : len(columns) - has_flags]
    has_labels = of_classes[-1:] == [_UNNAMED]
    classes = tuple(column.removeprefix(_TRUE) for column in of_classes[: len(of_classes) // (1 + has_labels)])
    if has_labels and of_classes[len(classes) : -1] != [_SHOWN + name for name in classes]:
        raise UserError(
            f"{folder / IMAGES}: the columns of labels are of other classes than those of masks; export or calibrate the "
            "inspector again"
        )
    found = _regions(folder / DEFECTS, classes, contents)
    try:
        numbers = np.array([[whole(cell) for cell in row[2:6] + row[7:]] for row in rows], np.int64)
        p_defect = np.array([float(row[6]) for row in rows], np.float64)
        kind: EvidenceKind = next(kind for kind in get_args(EvidenceKind) if kind == rows[0][1])
    except (ValueError, StopIteration) as error:
        raise UserError(f"{folder / IMAGES}: {error}; export or calibrate the inspector again") from error
    truth, shown = np.split(numbers[:, 4 + is_partly :], [len(classes)], axis=1)
    if shown.size and (not np.isin(shown, (0, 1)).all() or truth[shown.any(axis=1)].any()):
        raise UserError(
            f"{folder / IMAGES}: a label is neither 0 nor 1, or stands beside a mask; export or calibrate the inspector again"
        )
    names = tuple(row[0] for row in rows)
    matches = folder / MATCHES
    has_matches = matches.is_file() if contents is None else MATCHES in contents
    return EvaluationSet(
        kind=kind,
        classes=classes,
        image_ids=names,
        folds=numbers[:, 0],
        groups=numbers[:, 1],
        sizes=numbers[:, 2:4],
        p_defect=p_defect,
        truth=truth,
        regions=tuple(tuple(found.get(name, ())) for name in names),
        defects=_matches(matches, names, classes, truth, contents) if has_matches else None,
        counted=numbers[:, 4] if is_partly else None,
        shown=shown.astype(np.bool_) if has_labels else None,
        flags=flags,
    )


def _match_rows(tested: EvaluationSet, defects: Defects) -> Iterator[tuple[str, str, str, int, int]]:
    for kind, rows in zip(_KINDS, (defects.annotated, defects.marked), strict=True):
        for image, place, area, shared in rows.tolist():
            yield tested.image_ids[image], tested.classes[place], kind, area, shared


def _matches(
    file: Path,
    names: Sequence[str],
    classes: Sequence[str],
    truth: NDArray[np.int64],
    contents: Mapping[str, bytes] | None,
) -> Defects:
    columns, rows = _rows(file, contents)
    if columns != list(_MATCH):
        raise UserError(
            f"{file}: not the table of annotated and marked defects; export or calibrate the inspector again"
        )
    place = {name: at for at, name in enumerate(names)}
    read: dict[str, list[tuple[int, ...]]] = {kind: [] for kind in _KINDS}
    for number, (name, of_class, kind, *pixels) in enumerate(rows, start=2):
        try:
            area, shared = map(whole, pixels)
            if not 0 <= shared <= area or not area:
                raise ValueError(f"{shared} of {area} pixels cannot be shared")
            read[kind].append((place[name], classes.index(of_class), area, shared))
        except (ValueError, KeyError) as error:
            raise UserError(f"{file}, row {number}: {error}; export or calibrate the inspector again") from error
    defects = Defects(*(np.array(read[kind], np.int64).reshape(-1, 4) for kind in _KINDS))
    areas = np.zeros_like(truth)
    np.add.at(areas, (defects.annotated[:, 0], defects.annotated[:, 1]), defects.annotated[:, 2])
    if (areas != truth).any():
        name = names[int(np.argwhere(areas != truth)[0, 0])]
        raise UserError(
            f"{file}: the annotated defects of {name} have other areas than in {IMAGES}; export or calibrate the inspector "
            "again"
        )
    return defects


def _regions(file: Path, classes: Sequence[str], contents: Mapping[str, bytes] | None) -> dict[str, list[Region]]:
    columns, rows = _rows(file, contents)
    if columns != list(_DEFECT):
        raise UserError(f"{file}: not the table of found defects; export or calibrate the inspector again")
    found: dict[str, list[Region]] = {}
    for name, of_class, *numbers, probability in rows:
        try:
            left, top, width, height, area = map(whole, numbers)
            region = Region(classes.index(of_class), left, top, width, height, area, float(probability))
        except ValueError as error:
            raise UserError(f"{file}: image {name}: {error}; export or calibrate the inspector again") from error
        found.setdefault(name, []).append(region)
    return found


def _rows(file: Path, contents: Mapping[str, bytes] | None) -> tuple[list[str], list[list[str]]]:
    try:
        content = file.read_bytes() if contents is None else contents[file.name]
        reader = csv.reader(io.StringIO(content.decode("utf-8"), newline=""))
        columns = next(reader, [])
        rows = list(_checked(file, reader, len(columns)))
    except (FileNotFoundError, KeyError):
        raise UserError(
            f"{file}: not found, so no verdicts can be decided here; export the run again, or give labelled images "
            f"with `{command('decide', file.parent, calibrate='DATA')}`"
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{file}: not a table ({error}); copy the inspector again from its source") from error
    return columns, rows


def _checked(file: Path, rows: Iterable[list[str]], cells: int) -> Iterator[list[str]]:
    for number, row in enumerate(rows, start=2):
        if len(row) != cells:
            raise UserError(f"{file}, row {number}: {len(row)} cells, but there must be {cells}; export it again")
        yield [from_cell(cell) for cell in row]
