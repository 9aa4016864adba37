"""Which log a data folder belongs to: both carry one identity, compared before anything in the folder is touched.

A log that did not store a folder's images must not judge which of them go: a new one where the old was damaged or its
database's URL was forgotten, or that of another station.
"""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from uuid import uuid4

from sqlalchemy import URL, insert, select
from sqlalchemy.exc import IntegrityError

from steelsight.core.errors import UserError
from steelsight.core.files import resolved, write_json
from steelsight.core.parsing import parse_json
from steelsight.station.log.connect import NoLog, parse_url, shown
from steelsight.station.log.log import InspectionLog
from steelsight.station.log.tables import inspections, log_identity
from steelsight.station.private import keep_private
from steelsight.station.settings import LOG_NAME, StationSettings
from steelsight.station.store import ImageStore

BELONGING = "station.json"
"""In the data folder: the identity of its log, and where that was."""
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class _Mark:
    """What stands in `BELONGING`: a log's identity, and where it was, for the message alone."""

    log: str
    where: str


def open_log(settings: StationSettings) -> InspectionLog:
    """Open a station's log, whose data folder is or becomes its own; a new log is made only where there are no images yet.

    Raises:
        UserError: the folder belongs to another log, or the log can not be opened; the folder was not touched.
    """
    store = ImageStore(settings.data)
    mark = _read_mark(settings.data)
    try:
        log = InspectionLog.open(settings.url, make=mark is None and not _has_files(store))
    except NoLog as error:
        raise UserError(_said_of_no_log(store, mark, parse_url(settings.url))) from error
    try:
        claim(log, store)
    except BaseException:
        log.close()
        raise
    keep_private(settings.data, log.url)
    return log


def claim(log: InspectionLog, store: ImageStore) -> None:
    """See that a data folder belongs to a log. One without a mark, new or of an older steelsight, gets the log's, if the log
    names any of the images that may be there.

    Raises:
        UserError: it belongs to another log; nothing was touched.
    """
    mark, own = _read_mark(store.data), _identity(log)
    if mark is not None and mark.log == own:
        return
    if mark is not None:
        # a log without an identity is of an older steelsight, and may be a backup of this folder's own
        if own is None and _names_any(log, store) and _give_identity(log, mark.log) == mark.log:
            return
        raise UserError(
            f"{store.data}: its images belong to another log ({mark.where}) than {shown(log.url)}, and nothing was touched; "
            f"name that log or its database's URL, put a backup of it in place, or {_adopting(store)}"
        )
    if _has_files(store) and not _names_any(log, store):
        raise UserError(
            f"{store.data}: {shown(log.url)} names none of the images there, and nothing was touched; name the log that they "
            f"belong to or its database's URL, put a backup of it in place, or {_adopting(store)}"
        )
    _write_mark(store.data, _Mark(own or _give_identity(log, uuid4().hex), _where(log.url, store.data)))


def adopt(log: InspectionLog, store: ImageStore) -> None:
    """Give a data folder to a log, whatever it belonged to before. No image is touched."""
    own = _identity(log) or _give_identity(log, uuid4().hex)
    _write_mark(store.data, _Mark(own, _where(log.url, store.data)))


def has_another_log(log: InspectionLog, data: Path) -> bool:
    """Whether the SQLite log in a data folder is not this one, as after a move to a database."""
    there = data / LOG_NAME
    if not there.is_file():
        return False
    return log.url.drivername != "sqlite" or not there.samefile(str(log.url.database))


def lies_in(log: InspectionLog, data: Path) -> bool:
    """Whether a log is the SQLite file in a data folder."""
    return _lies_in(log.url, data)


def _lies_in(url: URL, data: Path) -> bool:
    return url.drivername == "sqlite" and resolved(Path(str(url.database))) == resolved(data / LOG_NAME)


def _has_files(store: ImageStore) -> bool:
    return next(store.files(), None) is not None


def _names_any(log: InspectionLog, store: ImageStore) -> bool:
    """Whether an entry names any of the stored images; of an older log some are missing, as in a backup."""
    files = store.files()
    while some := list({one.sha256 for one in islice(files, _AT_ONCE)}):
        with log.reading() as connection:
            if connection.execute(select(inspections.c.id).where(inspections.c.sha256.in_(some)).limit(1)).first():
                return True
    return False


def _identity(log: InspectionLog) -> str | None:
    with log.reading() as connection:
        return connection.execute(select(log_identity.c.log)).scalar()


def _give_identity(log: InspectionLog, identity: str) -> str:
    """The log's identity: this one, unless another process was faster."""
    try:
        with log.writing() as connection:
            there = connection.execute(select(log_identity.c.log)).scalar()
            if there is None:
                connection.execute(insert(log_identity), {"only": 1, "log": identity})
            return there or identity
    except IntegrityError:
        return _identity(log) or identity


def _read_mark(data: Path) -> _Mark | None:
    """The folder's mark; None where there is none, or one that a power cut has emptied: its images decide then."""
    path = data / BELONGING
    try:
        read = parse_json(path.read_text(encoding="utf-8"))
        return _Mark(str(read["log"]), str(read["where"]))
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError, KeyError):
        return None
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror or error}); see to the disk and its rights"
        ) from error


def _write_mark(data: Path, mark: _Mark) -> None:
    write_json(data / BELONGING, {"log": mark.log, "where": mark.where}, private=True)


def _where(url: URL, data: Path) -> str:
    """Where a log is, without what may be secret; one in its data folder by its name, since the folder may move."""
    if url.drivername != "sqlite":
        return shown(url.set(query={}))
    return LOG_NAME if _lies_in(url, data) else str(Path(str(url.database)))


def _said_of_no_log(store: ImageStore, mark: _Mark | None, url: URL) -> str:
    whose = "there are images of a log" if mark is None else f"its images belong to a log ({mark.where})"
    return (
        f"{shown(url)}: there is no log here, and none was made, for the folder {store.data} is not new: {whose}; name that "
        f"log or its database's URL, put it or a backup of it in place, or {_adopting(store)}"
    )


def _adopting(store: ImageStore) -> str:
    return (
        "let `steelsight log adopt` give the folder to this log: images that it does not name are then moved to "
        f"{store.aside.data}, and none is removed"
    )
