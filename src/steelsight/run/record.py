"""A RUN's own record of its data, so that later verbs need the RUN alone (and the images only for pictures).

RUN/dataset.json holds the root, layout, classes, what was left out and what else reading said; RUN/samples.csv every image
with its size, fold and group; RUN/truth.csv every (image, class) with its run lengths, empty where nothing is there;
RUN/without_masks.csv, where there are such, the images of which only their classes are known; RUN/later.csv, where the data
was split by time, the later images, which no network learns from; RUN/ignored.csv, where there are such, the run lengths of
what is not to be judged in an image. Paths inside the root are stored relative to it: who moves the data changes `root` in
dataset.json, and nothing else.
"""

import csv
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, SerializerFunctionWrapHandler, ValidationError, model_serializer

from steelsight.core.errors import UserError
from steelsight.core.files import refuse_links_out, resolved, write_csv, write_json
from steelsight.core.model import Model, explain
from steelsight.core.parsing import whole
from steelsight.core.safe_names import from_cell, shown
from steelsight.dataset.model import UNKNOWN, Dataset, Fault, Layout, Remark, Sample
from steelsight.imaging.read import read_content
from steelsight.imaging.rle import RunError, Runs, format_runs, parse_runs
from steelsight.imaging.roi import Roi

SAMPLES, TRUTH, WITHOUT_MASKS, DATASET = "samples.csv", "truth.csv", "without_masks.csv", "dataset.json"
LATER = "later.csv"
IGNORED = "ignored.csv"
SAMPLE_COLUMNS = ("image_id", "path", "height", "width", "fold", "group")
LATER_COLUMNS = ("image_id", "path", "height", "width", "group")
TRUTH_COLUMNS = ("ImageId", "ClassId", "EncodedPixels")
IGNORED_COLUMNS = ("ImageId", "EncodedPixels")
WITHOUT_MASKS_COLUMNS = ("image_id", "path", "height", "width", "fold", "classes")

_WRITTEN = ("jobs", "evidence", "distilled", "report")  # folders of a RUN
_LATER = ("ignored_classes", "ignored_images", "roi", "images_read", "grouped_by", "twins")
"""Fields of dataset.json that are written where there is something to say."""
_MOST_PIXELS = 1 << 30  # of an image that OpenCV reads
_LONGEST_FIELD = 2**31 - 1


@dataclass(frozen=True, eq=False)
class Record:
    """What a RUN was made of.

    Attributes:
        root, layout, classes, samples: as in `Dataset`.
        folds: int64 (N,), the fold that judges each sample.
        groups: int64 (N,), the group of each sample: images of one coil, say, or twins.
        skipped: faults whose images were left out.
        notes, remarks: as in `Dataset`: what was taken to be so while reading, and what was left out, or named and counted.
        fingerprint: of the data, see `fingerprint`.
        of_images: how many images the data has, where a limit took the samples from them; None where all were taken.
        without_masks: as in `Dataset`.
        their_folds: of each of these, the fold whose jobs must not learn from it, since that fold judges an image of the same
            group; -1 where there is none.
        later: images that came after those trained on, held back; none where the data was not split by time.
        later_groups: int64, the group of each of these.
        later_from: the moment with which they begin, as the user wrote it; empty where there are none.
        ignored_classes: as in `Dataset`.
        roi: the part of each image that counts; what lies outside is ignored in `samples`. None: all of it.
        images_read: how many images without a fault the data had, where a limit or a split by time chose among them; None
            where all were taken, or by runs of before.
        grouped_by: the kinds of groups that the user named beside twins, such as coil; empty where there are none, or by
            runs of before.
        twins: how many samples show the surface of another one; 0 where none does, or by runs of before.
    """

    root: Path
    layout: Layout
    classes: tuple[str, ...]
    samples: tuple[Sample, ...]
    folds: NDArray[np.int64]
    groups: NDArray[np.int64]
    skipped: tuple[Fault, ...]
    fingerprint: str
    of_images: int | None = None
    without_masks: tuple[Sample, ...] = ()
    their_folds: tuple[int, ...] = ()
    later: tuple[Sample, ...] = ()
    later_groups: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    later_from: str = ""
    notes: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()
    ignored_classes: tuple[str, ...] = ()
    roi: Roi | None = None
    images_read: int | None = None
    grouped_by: tuple[str, ...] = ()
    twins: int = 0


class _Skipped(Model):
    kind: str
    file: str
    line: int | None
    image_id: str | None
    message: str


class _Remark(Model):
    kind: str
    file: str
    images: int = Field(ge=0)
    message: str


class _Header(Model):
    """RUN/dataset.json."""

    schema_version: Literal[1] = 1
    root: str
    layout: Layout
    classes: tuple[str, ...]
    skipped: tuple[_Skipped, ...]
    fingerprint: str
    of_images: int | None = None
    later_from: str = ""
    notes: tuple[str, ...] = ()
    remarks: tuple[_Remark, ...] = ()
    ignored_classes: tuple[str, ...] = ()
    ignored_images: int = 0
    roi: Roi | None = None
    images_read: int | None = None
    grouped_by: tuple[str, ...] = ()
    twins: int = 0

    @model_serializer(mode="wrap")
    def _without_the_usual(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Where nothing is ignored it is written as it was before anything could be."""
        written: dict[str, Any] = write(self)
        return {name: value for name, value in written.items() if value or name not in _LATER}


def write_record(folder: Path, record: Record) -> None:
    """Write RUN/samples.csv, truth.csv and dataset.json, the last one last, each atomically.

    Raises:
        UserError: the disk is full or may not be written to.
    """
    root = resolved(record.root)
    rows = zip(record.samples, record.folds.tolist(), record.groups.tolist(), strict=True)
    samples = ((s.image_id, _stored(s.path, root), *s.size, fold, group) for s, fold, group in rows)
    truth = (
        (sample.image_id, name, format_runs(runs))
        for sample in (*record.samples, *record.later)
        for name, runs in zip(record.classes, sample.runs, strict=True)
    )
    write_csv(folder / SAMPLES, SAMPLE_COLUMNS, samples)
    write_csv(folder / TRUTH, TRUTH_COLUMNS, truth)
    every = (*record.samples, *record.later)
    if any(sample.ignored.area for sample in every):
        rows_of_ignored = ((one.image_id, format_runs(one.ignored)) for one in every if one.ignored.area)
        write_csv(folder / IGNORED, IGNORED_COLUMNS, rows_of_ignored)
    if record.without_masks:
        write_csv(folder / WITHOUT_MASKS, WITHOUT_MASKS_COLUMNS, _without_masks_rows(record, root))
    if record.later:
        later = zip(record.later, record.later_groups.tolist(), strict=True)
        write_csv(folder / LATER, LATER_COLUMNS, ((s.image_id, _stored(s.path, root), *s.size, g) for s, g in later))
    skipped = tuple(
        _Skipped(
            kind=fault.kind,
            file=shown(_stored(fault.file, root)),
            line=fault.line,
            image_id=fault.image_id,
            message=shown(fault.message),
        )
        for fault in record.skipped
    )
    remarks = tuple(
        _Remark(kind=one.kind, file=shown(_stored(one.file, root)), images=one.images, message=shown(one.message))
        for one in record.remarks
    )
    header = _Header(
        root=str(root),
        layout=record.layout,
        classes=record.classes,
        skipped=skipped,
        fingerprint=record.fingerprint,
        of_images=record.of_images,
        later_from=record.later_from,
        notes=tuple(map(shown, record.notes)),
        remarks=remarks,
        ignored_classes=record.ignored_classes,
        ignored_images=sum(bool(sample.ignored.area) for sample in every),
        roi=record.roi,
        images_read=record.images_read,
        grouped_by=record.grouped_by,
        twins=record.twins,
    )
    write_json(folder / DATASET, header.model_dump())


def read_record(folder: Path) -> Record:
    """Read what `write_record` wrote; the images themselves need not be there.

    Raises:
        UserError: a file is missing or was changed into something else, or the folder holds a link that leads out of it.
    """
    file = folder / DATASET
    try:
        header = _Header.model_validate_json(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{file}: there is no such file; {folder} is no RUN of `steelsight train`") from None
    except (ValidationError, UnicodeDecodeError) as error:
        why = explain(error, mend="") if isinstance(error, ValidationError) else error
        raise UserError(f"{file}: not the record that training wrote ({why}); restore it from a copy") from error
    refuse_links_out(folder, *_WRITTEN)
    root = Path(header.root)
    masks = _read_truth(folder / TRUTH, header.classes)
    ignored = _read_ignored(folder / IGNORED, header.ignored_images)
    samples: list[Sample] = []
    numbers: list[tuple[int, int]] = []
    for line, row in _rows(folder / SAMPLES, SAMPLE_COLUMNS):
        image_id, path, *integers = row
        height, width, fold, group = _integers(folder / SAMPLES, line, integers)
        if min(height, width) < 1 or height * width > _MOST_PIXELS or min(fold, group) < 0:
            raise UserError(
                f"{folder / SAMPLES}, line {line}: no image has height {height}, width {width}, fold {fold} and group "
                f"{group}; restore the file from a copy"
            )
        runs = masks.get(image_id, {})
        mask = tuple(runs.get(name, Runs.empty()) for name in header.classes)
        samples.append(
            Sample(image_id, root / path, (height, width), mask, ignored=ignored.pop(image_id, Runs.empty()))
        )
        numbers.append((fold, group))
    folds, groups = np.array(numbers, np.int64).reshape(-1, 2).T.copy()
    skipped = tuple(Fault(s.kind, root / s.file, s.line, s.image_id, s.message) for s in header.skipped)
    later: tuple[Sample, ...] = ()
    later_groups: list[int] = []
    if header.later_from:
        later, later_groups = _read_later(folder / LATER, root, masks, ignored, header.classes)
    if ignored:
        raise UserError(
            f"{folder / IGNORED}: {next(iter(ignored))!r} is not in {SAMPLES}; restore the file from a copy"
        )
    remarks = tuple(Remark(one.kind, root / one.file, one.images, one.message) for one in header.remarks)
    without_masks, their_folds = _read_without_masks(folder / WITHOUT_MASKS, root, len(header.classes))
    return Record(
        root=root,
        layout=header.layout,
        classes=header.classes,
        samples=tuple(samples),
        folds=folds,
        groups=groups,
        skipped=skipped,
        fingerprint=header.fingerprint,
        of_images=header.of_images,
        without_masks=without_masks,
        their_folds=their_folds,
        later=later,
        later_groups=np.array(later_groups, np.int64),
        later_from=header.later_from,
        notes=header.notes,
        remarks=remarks,
        ignored_classes=header.ignored_classes,
        roi=header.roi,
        images_read=header.images_read,
        grouped_by=header.grouped_by,
        twins=header.twins,
    )


def fingerprint(dataset: Dataset | Record, workers: int = 2) -> str:
    """SHA-256 over the classes and every sample's id, size, runs, ignored runs if any, and image-file bytes, as 64
    hexadecimal digits.

    Where the data lies plays no part.

    Raises:
        ImageError: an image file has gone since it was read.
    """
    total = hashlib.sha256("\0".join(dataset.classes).encode())
    with ThreadPoolExecutor(workers) as pool:
        for digest in pool.map(_digest, (*dataset.samples, *dataset.without_masks)):
            total.update(digest)
    return total.hexdigest()


def _digest(sample: Sample) -> bytes:
    whole = hashlib.sha256(repr((sample.image_id, sample.size)).encode())
    if sample.shown:
        whole.update(repr(sample.shown).encode())
    marked = () if sample.shown else (*sample.runs, sample.ignored) if sample.ignored.area else sample.runs
    for runs in marked:
        whole.update(np.int64(runs.starts.size).tobytes())
        whole.update(np.ascontiguousarray(runs.starts, "<i8").tobytes())
        whole.update(np.ascontiguousarray(runs.lengths, "<i8").tobytes())
    whole.update(read_content(sample.path))
    return whole.digest()


def _stored(path: Path, root: Path) -> str:
    absolute = path.absolute()
    for candidate in (absolute, resolved(absolute)):
        if candidate.is_relative_to(root):
            return candidate.relative_to(root).as_posix()
    return absolute.as_posix()


def _without_masks_rows(record: Record, root: Path) -> Iterator[tuple[object, ...]]:
    for sample, fold in zip(record.without_masks, record.their_folds, strict=True):
        yield sample.image_id, _stored(sample.path, root), *sample.size, fold, " ".join(map(str, sample.shown))


def _read_without_masks(file: Path, root: Path, classes: int) -> tuple[tuple[Sample, ...], tuple[int, ...]]:
    if not file.exists():
        return (), ()
    samples: list[Sample] = []
    folds: list[int] = []
    for line, (image_id, path, *integers, text) in _rows(file, WITHOUT_MASKS_COLUMNS):
        height, width, fold = _integers(file, line, integers)
        shown = tuple(_integers(file, line, text.split()))
        if min(height, width) < 1 or fold < -1 or not shown or not all(UNKNOWN <= one < classes for one in shown):
            raise UserError(
                f"{file}, line {line}: no image has such a size, fold and classes; restore the file from a copy"
            )
        samples.append(Sample(image_id, root / path, (height, width), (Runs.empty(),) * classes, shown))
        folds.append(fold)
    return tuple(samples), tuple(folds)


def _read_later(
    file: Path, root: Path, masks: Mapping[str, Mapping[str, Runs]], ignored: dict[str, Runs], classes: Sequence[str]
) -> tuple[tuple[Sample, ...], list[int]]:
    samples: list[Sample] = []
    groups: list[int] = []
    for line, (image_id, path, *integers) in _rows(file, LATER_COLUMNS):
        height, width, group = _integers(file, line, integers)
        if min(height, width) < 1 or height * width > _MOST_PIXELS or group < 0:
            raise UserError(
                f"{file}, line {line}: no image has height {height}, width {width} and group {group}; restore the file from "
                "a copy"
            )
        runs = masks.get(image_id, {})
        mask = tuple(runs.get(name, Runs.empty()) for name in classes)
        samples.append(
            Sample(image_id, root / path, (height, width), mask, ignored=ignored.pop(image_id, Runs.empty()))
        )
        groups.append(group)
    return tuple(samples), groups


def _rows(file: Path, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Line number and fields of each row below the header."""
    csv.field_size_limit(_LONGEST_FIELD)
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            reader = csv.reader(stream)
            if next(reader, None) != list(columns):
                raise UserError(f"{file}: the header is not {','.join(columns)}; restore the file from a copy")
            for row in reader:
                if len(row) != len(columns):
                    raise UserError(
                        f"{file}, line {reader.line_num}: {len(row)} fields, but there must be {len(columns)}; "
                        "restore the file from a copy"
                    )
                yield reader.line_num, [from_cell(cell) for cell in row]
    except FileNotFoundError:
        raise UserError(f"{file}: there is no such file; restore it from a copy or train again") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{file}: not a table ({error}); restore it from a copy") from error


def _read_truth(file: Path, classes: Sequence[str]) -> dict[str, dict[str, Runs]]:
    masks: dict[str, dict[str, Runs]] = {}
    for line, (image_id, name, text) in _rows(file, TRUTH_COLUMNS):
        if name not in classes:
            raise UserError(f"{file}, line {line}: class {name!r} is not in {DATASET}; restore the file from a copy")
        if text:
            try:
                masks.setdefault(image_id, {})[name] = parse_runs(text, None)
            except RunError as error:
                raise UserError(f"{file}, line {line}: {error}; restore the file from a copy") from error
    return masks


def _read_ignored(file: Path, images: int) -> dict[str, Runs]:
    """What is ignored of each image that has such; the file is there if it was written."""
    ignored: dict[str, Runs] = {}
    for line, (image_id, text) in _rows(file, IGNORED_COLUMNS) if images else ():
        try:
            ignored[image_id] = parse_runs(text, None)
        except RunError as error:
            raise UserError(f"{file}, line {line}: {error}; restore the file from a copy") from error
    if len(ignored) != images:
        raise UserError(f"{file}: {len(ignored)} images, and {DATASET} says {images}; restore the file from a copy")
    return ignored


def _integers(file: Path, line: int, values: Sequence[str]) -> list[int]:
    try:
        return [whole(value) for value in values]
    except ValueError:
        raise UserError(
            f"{file}, line {line}: sizes, fold and group must be whole numbers, found {', '.join(values)}; restore the file "
            "from a copy"
        ) from None
