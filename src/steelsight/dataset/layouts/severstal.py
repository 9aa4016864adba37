"""The Severstal folder: images in one folder and a CSV of run lengths, in either of the competition's two layouts.

Three columns, `ImageId,ClassId,EncodedPixels`: a row per (image, class) with a defect; an image without a row, or with
an empty one, is defect-free. Two columns, `ImageId_ClassId,EncodedPixels`: usually every (image, class), empty where
nothing is there; once it has empty rows, it lists every image, and one without rows is a fault.
"""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from steelsight.core.errors import UserError
from steelsight.core.safe_names import from_cell
from steelsight.dataset.layouts.listing import (
    Listed,
    Listing,
    Marks,
    Size,
    is_safe_name,
    no_marks,
    only_file,
    unsafe_name,
    with_slashes,
)
from steelsight.dataset.layouts.orphan_labels import Orphan, unsure_labels
from steelsight.dataset.layouts.text_file import table_header, table_rows
from steelsight.dataset.model import Fault
from steelsight.imaging.read import is_image_name, list_images
from steelsight.imaging.rle import RunError, Runs, parse_runs

LONG = ("ImageId", "ClassId", "EncodedPixels")
WIDE = ("ImageId_ClassId", "EncodedPixels")
PREFERRED = "train.csv"
IMAGE_FOLDERS = ("train_images", "images")

_COLUMNS = frozenset(name.casefold() for name in (*LONG, *WIDE))
_CLASS = re.compile(r"[1-9][0-9]*(\.0+)?", re.ASCII)  # "1.0" is what pandas writes once a column has gaps


@dataclass(frozen=True)
class SeverstalRow:
    """One row that marks a class: where it stands and what it says."""

    line: int
    image_id: str
    class_id: str
    text: str


@dataclass
class Table:
    """Rows of a CSV by image, as they are gathered."""

    file: Path
    wide: bool
    rows: dict[str, dict[str, SeverstalRow]] = field(default_factory=lambda: defaultdict(dict))
    classes: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    orphans: list[Orphan] = field(default_factory=list)
    has_empty: bool = False

    def fault(self, kind: str, line: int, image_id: str | None, message: str) -> None:
        self.faults.append(Fault(kind, self.file, line, image_id, message))


def candidates(folder: Path) -> list[Path]:
    """The CSV files of a folder whose header has a column of run lengths; what is no CSV in UTF-8 may be anything else."""
    return [path for path in sorted(folder.glob("*.csv")) if _has_runs(path)]


def _has_runs(path: Path) -> bool:
    try:
        return "EncodedPixels" in header(path)
    except UserError:
        return False


def header(path: Path) -> list[str]:
    """The column names of a CSV file."""
    return table_header(path)


def list_folder(root: Path, table: Path | None = None) -> Listing:
    """List a Severstal folder; `table` says which CSV where there are several.

    Raises:
        UserError: no CSV or several, a missing column, or no image at all.
    """
    file = table or _choose(root)
    read = _read(file)
    folder = next((root / name for name in IMAGE_FOLDERS if (root / name).is_dir()), root)
    on_disk = {path.name: path for path in list_images(folder)}
    if not on_disk:
        raise UserError(
            f"{folder}: no images here; the Severstal layout keeps them in {root / IMAGE_FOLDERS[0]} or beside the CSV"
        )
    names = sorted(on_disk.keys() | read.rows.keys())
    images = tuple(_listed(name, folder, read) for name in names)
    if read.wide and read.has_empty:
        for name in sorted(on_disk.keys() - read.rows.keys()):
            message = f"{name} has no row, while {file.name} lists defect-free images too; add its rows or remove it"
            read.faults.append(Fault("unlabelled-image", on_disk[name], None, name, message))
    lost = [*read.orphans, *(_orphan(name, read) for name in read.rows if _is_lost(name, folder, read))]
    read.faults += unsure_labels(lost, [name for name in names if (folder / name).is_file()], read.rows.keys())
    classes = tuple(sorted(read.classes, key=int))
    owned = tuple({folder, *(root / name for name in IMAGE_FOLDERS if (root / name).is_dir())} - {root})
    return Listing(root, "severstal", classes, images, tuple(read.faults), owned=owned)


def _is_lost(name: str, folder: Path, table: Table) -> bool:
    """Whether rows that say, or may say, that there is a defect find no image."""
    rows = table.rows[name].values()
    return (not rows or any(row.text for row in rows)) and not (folder / name).is_file()


def _orphan(name: str, table: Table) -> Orphan:
    return Orphan(name, table.file, next((row.line for row in table.rows[name].values()), None))


def _choose(root: Path) -> Path:
    found = candidates(root)
    tables = sorted(root.glob("*.csv"))
    preferred = root / PREFERRED
    if preferred in tables or preferred in found:
        return preferred
    if found:
        return only_file(root, found, "", "CSV files of run lengths")
    if len(tables) == 1:
        return tables[0]  # its header is refused with the columns that it lacks
    raise UserError(f"{root}: no CSV here has the columns {','.join(LONG)} or {','.join(WIDE)}; add {PREFERRED}")


def _listed(name: str, folder: Path, table: Table) -> Listed:
    rows = table.rows.get(name)
    if not rows:
        return Listed(name, folder / name, no_marks, table.file)
    ordered = list(rows.values())

    def marks(size: Size) -> Marks:
        return _marks(ordered, table.file, size)

    return Listed(name, folder / name, marks, table.file, ordered[0].line)


def _marks(rows: list[SeverstalRow], file: Path, size: Size) -> Marks:
    masks: dict[str, Runs] = {}
    faults: list[Fault] = []
    for row in rows:
        if not row.text:
            continue
        try:
            masks[row.class_id] = parse_runs(row.text, size)
        except RunError as error:
            faults.append(Fault(error.kind, file, row.line, row.image_id, str(error)))
    return Marks(masks, tuple(faults), file, rows[0].line)


def _read(file: Path) -> Table:
    records = iter(table_rows(file, free_text_but=_COLUMNS))
    _, columns = next(records, (0, []))
    wide = WIDE[0] in columns
    wanted = WIDE if wide else LONG
    missing = [name for name in wanted if name not in columns]
    if missing:
        raise UserError(
            f"{file}: column {', '.join(missing)} is missing (found: {', '.join(columns) or 'nothing'}); "
            f"the header must be {','.join(LONG)} or {','.join(WIDE)}"
        )
    places = [columns.index(name) for name in wanted]
    table = Table(file, wide)
    for line, fields in records:
        if not fields:
            continue
        if len(fields) != len(columns):
            said = f"{len(fields)} fields, but the header has {len(columns)}; mend the row"
            first = fields[places[0]] if places[0] < len(fields) else ""
            image_id = _image_of(table, first)
            table.fault("malformed-row", line, image_id, said)
            table.orphans.append(Orphan(image_id or first, file, line))
            continue
        _take(table, line, [from_cell(fields[place].strip()) for place in places])
    return table


def _image_of(table: Table, value: str) -> str | None:
    """The image that a malformed row still names: without the row it would pass for defect-free."""
    image_id = value.strip().rpartition("_")[0] if table.wide else value.strip()
    return image_id if is_safe_name(image_id) and is_image_name(Path(image_id)) else None


def _take(table: Table, line: int, values: list[str]) -> None:
    """Put one row in its place, or note what is wrong with it."""
    text = values[-1]
    if table.wide:
        image_id, _, class_id = values[0].rpartition("_")
    else:
        image_id, class_id = values[0], values[1]
    image_id = with_slashes(image_id)
    if not is_safe_name(image_id) or not is_image_name(Path(image_id)):
        if table.wide and not class_id.isdigit() and is_image_name(Path(with_slashes(values[0]))):
            image_id, class_id = with_slashes(values[0]), ""
        else:
            table.faults.append(unsafe_name(image_id or values[0], table.file, line))
            table.orphans.append(Orphan(image_id or values[0], table.file, line))
            return
    rows = table.rows[image_id]
    table.has_empty = table.has_empty or not text
    says_nothing = not table.wide and not text and not class_id
    if not says_nothing and not _CLASS.fullmatch(class_id):
        table.fault(
            "unknown-class", line, image_id, f"class {class_id!r}; ClassId must be a whole number from 1, as in 1, 2, 3"
        )
        return
    class_id = class_id.split(".")[0]
    if class_id in rows:
        label = f"class {class_id} of {image_id}" if class_id else f"{image_id} without a class"
        message = f"{label} is already in line {rows[class_id].line}; keep one row"
        table.fault("duplicate-row", line, image_id, message)
        return
    rows[class_id] = SeverstalRow(line, image_id, class_id, text)
    if text or table.wide:
        table.classes.add(class_id)
