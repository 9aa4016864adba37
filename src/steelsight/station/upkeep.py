"""Retention while a station runs: what it does not keep goes, soon after the start and then every ten minutes."""

import logging
import threading
from types import TracebackType
from typing import Self

from steelsight.core.errors import UserError
from steelsight.station.log.retention import Pruned, prune
from steelsight.station.station import Station

log = logging.getLogger("steelsight.station")

_FIRST, _EVERY, _LAST = 60.0, 600.0, 10.0


class Upkeep:
    """Prunes log and store of a station as its settings say, in a thread of its own, until the context ends."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._first = True
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join(_LAST)  # a kill within a pruning loses nothing, and the database may hang

    def _run(self) -> None:
        wait, whose = _FIRST, tuple[str, ...]()
        while not self._ended.wait(wait):
            wait = _EVERY
            station = self._station
            try:
                gone = prune(station.log, station.store, station.settings)
            except (UserError, OSError) as error:  # as on a disk that is away for a while: the next time may do
                log.error("pruning failed, and is tried again in %d minutes: %s", _EVERY // 60, error)
                continue
            if gone.inspections or gone.images:
                log.info("pruned %d inspections, %d images, %d bytes", gone.inspections, gone.images, gone.bytes)
            self._say_unknown(gone)
            if gone.left and gone.whose != whose:
                log.warning(
                    "%s: %s; prune under that name as well, or start it here once", station.store.data, gone.left
                )
            whose = gone.whose or whose

    def _say_unknown(self, gone: Pruned) -> None:
        """Name what lies aside: at the first time, and whenever that has changed."""
        aside = self._station.store.aside
        if gone.back:
            log.warning("%d files that lay in %s were moved back: the log names them", gone.back, aside.data)
        if gone.aside:
            log.warning(
                "%d files that no entry of the log names were moved to %s, none removed (%s)",
                gone.aside, aside.data, gone.names,
            )  # fmt: skip
        if self._first or gone.aside or gone.back:
            files = list(aside.files())
            if files:
                log.warning(
                    "%d files, %.1f MB, that no entry of the log names lie in %s; they are never removed: inspect them, "
                    "put the log in place that names them, or delete them yourself",
                    len(files), sum(file.bytes for file in files) / 1e6, aside.data,
                )  # fmt: skip
        self._first = False
