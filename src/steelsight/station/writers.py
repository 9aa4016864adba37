"""Which stations write into a data folder: each leaves its name there when it starts.

Of a log that several lines share this tells whose entries are this folder's: a `serve` and a `watch` on one folder may have
names of their own, and the stations of other folders have others.
"""

import hashlib
from pathlib import Path

from steelsight.core.files import disk_errors, write_text
from steelsight.station.log.identity import lies_in
from steelsight.station.log.log import InspectionLog
from steelsight.station.log.values import written
from steelsight.station.settings import StationSettings

FOLDER = "stations"
"""In the data folder: a file for each name, so that stations which start at once lose none."""


def note_writer(data: Path, name: str) -> None:
    """Leave a station's name in its data folder.

    Raises:
        UserError: the disk is full or may not be written to.
    """
    kept = written(name)
    path = data / FOLDER / f"{hashlib.sha256(kept.encode()).hexdigest()[:16]}.txt"
    if not path.is_file():
        write_text(path, kept, private=True)


def writers_of(data: Path) -> frozenset[str]:
    """The names, as the log keeps them, of the stations that have started on a data folder.

    Raises:
        UserError: the disk refuses.
    """
    found: set[str] = set()
    with disk_errors(data / FOLDER, all_as="read"):
        for path in (data / FOLDER).glob("[0-9a-f]*.txt"):
            found.add(path.read_bytes().decode("utf-8", "replace"))
    return frozenset(found - {""})  # a power cut may leave the last one empty


def own_names(log: InspectionLog, settings: StationSettings) -> frozenset[str] | None:
    """The names whose entries are those of this station's folder; None where all are: a log in the folder is its own.

    Raises:
        UserError: the disk refuses.
    """
    if lies_in(log, settings.data):
        return None
    return writers_of(settings.data) | {written(settings.name)}
