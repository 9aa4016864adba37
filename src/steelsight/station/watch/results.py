"""The results as tables: images.csv, defects.csv and submission.csv, derived from the log, which is the truth.

Rows are appended after the log has them. Whatever was lost or torn by a kill is put right from the log at the next start.
"""

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from steelsight.core.errors import UserError
from steelsight.core.files import disk_errors, sweep
from steelsight.core.lock import Lock
from steelsight.imaging.rle import parse_runs
from steelsight.results.finished import read_finished
from steelsight.results.tables import DEFECTS, IMAGES, SUBMISSION, TABLES, ResultRow, Tables
from steelsight.station.inspection import Inspection
from steelsight.station.log.log import InspectionLog
from steelsight.station.log.watched import numbers_of, read_inspections

LOG_ID, AT = "LogId", "at"
_ALSO: Mapping[str, Sequence[str]] = {SUBMISSION: (LOG_ID,), DEFECTS: (LOG_ID,), IMAGES: (LOG_ID, AT)}
_AT_ONCE = 200


class ResultTables:
    """The tables of one watched folder; only one process at a time may hold them. Use as a context manager.

    Args:
        out: folder; made if it is missing.
        classes: of the inspector. Inspections by one with other classes are left out: they have other columns.
        log: where the rows come from.
        folder: the watched folder, as in the log.
        stations: whose inspections are written, by name; None: those of all. Another machine's folder may have the same path.

    Attributes:
        missing: numbers of inspections that still have to be written, as after a full disk.
    """

    def __init__(
        self,
        out: Path,
        classes: Sequence[str],
        log: InspectionLog,
        folder: str,
        stations: Collection[str] | None = None,
    ) -> None:
        if out.exists() and not out.is_dir():
            raise UserError(f"{out}: there is a file of this name; choose another `out=`")
        self.missing: set[int] = set()
        self._out, self._log, self._folder, self._stations = out, log, folder, stations
        self._tables = Tables(tuple(classes), also=_ALSO)
        self._paths = {name: out / name for name in TABLES}
        self._sizes = dict.fromkeys(TABLES, 0)
        self._written: set[int] = set()
        said = f"{out}: another `steelsight watch` writes its tables here; end that one, or give another `out=`"
        self._lock = Lock(out / ".watch.lock", said)

    def __enter__(self) -> Self:
        with disk_errors(self._out):
            self._out.mkdir(parents=True, exist_ok=True)
        self._lock.take()
        try:
            self._put_right()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lock.release()

    def add(self, inspections: Iterable[Inspection]) -> None:
        """Append inspections; those that are written already are left out. When it returns, the rows last.

        Raises:
            UserError: the disk is full or may not be written to; they are `missing` then, for `catch_up`.
        """
        new = {
            one.id: one for one in inspections if one.id not in self._written and one.classes == self._tables.classes
        }
        self.missing.update(new)
        numbers = sorted(new)
        for start in range(0, len(numbers), _AT_ONCE):
            # asked for each group: putting the tables right before an earlier one writes whatever is missing, this one too
            group = [number for number in numbers[start : start + _AT_ONCE] if number not in self._written]
            self._append([new[number] for number in group])
            self._written.update(group)
            self.missing.difference_update(group)

    def catch_up(self) -> None:
        """Write what is missing, as it stands in the log.

        Raises:
            UserError: as `add`.
        """
        numbers = sorted(self.missing)
        for start in range(0, len(numbers), _AT_ONCE):
            group = numbers[start : start + _AT_ONCE]
            self.add(read_inspections(self._log, group))
            self.missing.difference_update(group)  # retention may have removed some

    def _put_right(self) -> None:
        """Cut off what is torn, and append what the log has beyond that."""
        with disk_errors(self._out):
            if not self._out.is_dir():  # somebody has removed it, and the lock with it
                self._lock.release()
                self._out.mkdir()
                self._lock.take()
            sweep(self._out, below=False)
            self._check_columns()
            self._written, self._sizes = set(), {name: len(self._tables.header(name)) for name in TABLES}
            for one in read_finished(self._paths, self._tables):
                number = int(one.image.also[0])
                if number in self._written:
                    break
                self._written.add(number)
                self._sizes = dict(zip(TABLES, one.ends, strict=True))
        self._check_log()
        for name, path in self._paths.items():
            header, size = self._tables.header(name), self._sizes[name]
            with disk_errors(path):
                if not _has_size(path, size):
                    _write_at(path, 0, header, size)
        self.catch_up()

    def _check_columns(self) -> None:
        """Tables that were begun before there were columns on what is suspected go on without, for those who read them."""
        older, first = replace(self._tables, suspected=False), b""
        if self._paths[IMAGES].is_file():
            with self._paths[IMAGES].open("rb") as stream:
                first = stream.read(len(older.header(IMAGES)))
        self._tables = replace(older, suspected=first != older.header(IMAGES))
        for name, path in self._paths.items():
            header = self._tables.header(name)
            found = b""
            if path.is_file():
                with path.open("rb") as stream:
                    found = stream.read(len(header))
            if not header.startswith(found):
                raise UserError(
                    f"{path}: its columns are not those that `steelsight watch` writes with an inspector of the classes "
                    f"{', '.join(self._tables.classes)}; give another `out=`, or move this table away"
                )

    def _check_log(self) -> None:
        """See that the rows are of this log, and find out which it has beyond them."""
        strange = set(self._written)
        for number, is_there in numbers_of(self._log, self._folder, self._stations):
            strange.discard(number)
            if is_there and number not in self._written:
                self.missing.add(number)
        if strange:
            raise UserError(
                f"{self._paths[IMAGES]}: {LOG_ID} {min(strange)} is not an image of {self._folder} in this log; give "
                "another `out=`, or move these tables away to have them made anew"
            )

    def _append(self, group: Sequence[Inspection]) -> None:
        if any(not _has_size(path, self._sizes[name]) for name, path in self._paths.items()):
            self._put_right()  # somebody has moved a table away or written to it
            group = [one for one in group if one.id not in self._written]
        lines = [self._lines(one) for one in group]
        blocks = {name: b"".join(of_one[name] for of_one in lines) for name in TABLES}
        try:
            for name in TABLES:  # the row in images.csv comes last, and says that the others are there
                with disk_errors(self._paths[name]):
                    _write_at(self._paths[name], self._sizes[name], blocks[name])
        except UserError:
            with suppress(OSError):  # what stays torn is cut off by the next attempt
                for name, path in self._paths.items():
                    os.truncate(path, self._sizes[name])
            raise
        self._sizes = {name: size + len(blocks[name]) for name, size in self._sizes.items()}

    def _lines(self, inspection: Inspection) -> dict[str, bytes]:
        number = inspection.id
        at = inspection.result.at.isoformat(timespec="milliseconds")
        return self._tables.lines(_said(inspection), {SUBMISSION: (number,), DEFECTS: (number,), IMAGES: (number, at)})


def _said(inspection: Inspection) -> ResultRow:
    result = inspection.result
    return ResultRow(
        result.arrival.name if result.arrival else result.name,
        result.size,
        float("nan") if result.p_defect is None else result.p_defect,
        result.probability,
        result.verdict or "",
        result.reason,
        tuple(parse_runs(runs, result.size) for runs in result.runs),
        result.regions,
        result.flags,
        result.error or "",
        result.suspected,
        result.counted,
    )


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except FileNotFoundError:
        return False


def _write_at(path: Path, place: int, block: bytes, size: int | None = None) -> None:
    """Write a block at its place, so that it lasts; what is beyond its end, or beyond `size`, goes. The file is made where
    there is none."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
    with os.fdopen(handle, "r+b") as stream:
        stream.seek(place)
        stream.write(block)
        stream.truncate(size)
        stream.flush()
        os.fsync(handle)
