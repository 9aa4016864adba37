"""A station's files are its account's own: what others can read on the machine they could read without a token."""

import logging
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import URL

from steelsight.core.files import resolved
from steelsight.core.private_files import close_to_others, is_open_to_others, is_ours

log = logging.getLogger("steelsight.station")

_SHELF = "[0-9a-f][0-9a-f]"
_STORE = tuple(f"{folder}{below}" for folder in ("images", "maps") for below in ("", f"/{_SHELF}", f"/{_SHELF}/*"))
_OWN = (
    "station.json",
    "stations",
    "stations/*.txt",
    "log.sqlite",
    "log.sqlite-wal",
    "log.sqlite-shm",
    "unknown",
    *_STORE,
)
_OWN += tuple(f"unknown/{pattern}" for pattern in _STORE)


def keep_private(data: Path, database: URL) -> None:
    """Close a station's folder and a SQLite log to other accounts, as older steelsights left them open; says so in one line.

    A folder of another account, and one that holds other things too, stays open: what is the station's own in it is closed.
    """
    folder = resolved(data)
    try:
        changed = close_to_others(_own_parts(folder)) + close_to_others(_log_parts(database))
        is_open = is_open_to_others(folder)
    except OSError as error:
        log.warning("%s: other accounts of this machine may read it (%s); close it yourself", data, error)
        return
    if changed:
        log.warning(
            "%s: other accounts could read it; %d files and folders are now this account's alone", data, changed
        )
    if is_open:
        why = "holds other things too" if is_ours(folder) else "belongs to another account"
        log.warning("%s: other accounts may look into this folder, which stays so, since it %s", data, why)


def _own_parts(data: Path) -> Iterator[Path]:
    """What can be closed, what is in a folder before it: files under the station's names, and folders that hold nothing else.
    Nothing below a closed folder can be reached."""
    if not is_open_to_others(data):
        return
    own = {path for pattern in _OWN for path in data.glob(pattern)}
    for path in [*sorted(own, reverse=True), data]:
        if path.is_dir() and not all(one in own for one in path.iterdir() if not one.name.startswith(".")):
            own.discard(path)
        elif is_ours(path):
            yield path


def _log_parts(database: URL) -> Iterator[Path]:
    if database.drivername != "sqlite":
        return
    path = Path(str(database.database))
    beside = (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm")))
    yield from (one for one in beside if one.is_file() and is_ours(one))
