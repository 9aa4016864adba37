"""A station's files are its account's own: what others can read on the machine they could read without a token."""

import logging
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import URL

from steelsight.core.private_files import close_to_others, is_open_to_others, is_ours

log = logging.getLogger("steelsight.station")

_OWN_FOLDERS = ("images", "maps", "unknown")
_OWN_FILES = ("station.json", "log.sqlite", "log.sqlite-wal", "log.sqlite-shm")


def keep_private(data: Path, database: URL) -> None:
    """Close a station's folder and a SQLite log to other accounts, as older steelsights left them open; says so in one line.

    A folder of another account, and one that holds other things too, stays open: what is the station's own in it is closed.
    """
    try:
        changed = close_to_others(_own_parts(data)) + close_to_others(_log_parts(database))
        is_open = is_open_to_others(data)
    except OSError as error:
        log.warning("%s: other accounts of this machine may read it (%s); close it yourself", data, error)
        return
    if changed:
        log.warning(
            "%s: other accounts could read it; %d files and folders are now this account's alone", data, changed
        )
    if is_open:
        why = "holds other things too" if is_ours(data) else "belongs to another account"
        log.warning("%s: other accounts may look into this folder, which stays so, since it %s", data, why)


def _own_parts(data: Path) -> Iterator[Path]:
    """What can be closed: nothing below a closed folder can be reached."""
    if not is_open_to_others(data):
        return
    parts = [data / name for name in (*_OWN_FOLDERS, *_OWN_FILES) if (data / name).exists()]
    for part in filter(is_ours, parts):
        yield part
        yield from (path for path in part.rglob("*") if is_ours(path))
    if is_ours(data) and all(path in parts for path in data.iterdir() if not path.name.startswith(".")):
        yield data


def _log_parts(database: URL) -> Iterator[Path]:
    if database.drivername != "sqlite":
        return
    path = Path(str(database.database))
    beside = (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm")))
    yield from (one for one in beside if one.is_file() and is_ours(one))
