"""Retention while a station runs: what it does not keep goes, soon after the start and then every ten minutes; of one that
ends sooner by itself, at its end."""

import logging
import threading
from math import inf
from types import TracebackType
from typing import Self

from steelsight.core.errors import UserError
from steelsight.station.log.retention import Pruned, prune
from steelsight.station.station import Station

log = logging.getLogger("steelsight.station")

_FIRST, _EVERY, _LAST = 60.0, 600.0, 10.0
_LONGEST = 300.0
"""Seconds for which a station that has nothing else to do waits for its only pruning."""


class Upkeep:
    """Prunes log and store of a station as its settings say, in a thread of its own, until the context ends."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._first = True
        self._was_pruned = self._is_wanted_at_end = False
        self._whose: tuple[str, ...] = ()
        self._said_of_other_log = set[str]()
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

    def finish(self) -> None:
        """End, and prune before that if there are limits and nothing has been pruned yet: a station that cron starts for each
        few images would never do so. To be left out by who has to end soon."""
        settings = self._station.settings
        if settings.keep_days is None and settings.keep_gb == inf:
            return
        self._is_wanted_at_end = True
        self._ended.set()
        self._thread.join(_LONGEST)
        if self._thread.is_alive():
            log.warning("pruning was not over after %d s; the next start goes on with it", _LONGEST)

    def _run(self) -> None:
        wait = _FIRST
        while not self._ended.wait(wait):
            wait = _EVERY
            self._prune()
        if self._is_wanted_at_end and not self._was_pruned:
            self._prune()

    def _prune(self) -> None:
        station = self._station
        try:
            gone = prune(station.log, station.store, station.settings)
        except (UserError, OSError) as error:  # as on a disk that is away for a while: the next time may do
            again = "at the next start" if self._ended.is_set() else f"in {_EVERY // 60:.0f} minutes"
            log.error("pruning failed, and is tried again %s: %s", again, error)
            return
        self._was_pruned = True
        if gone.inspections or gone.images:
            log.info("pruned %d inspections, %d images, %d bytes", gone.inspections, gone.images, gone.bytes)
        self._say_unknown(gone)
        if gone.left and gone.whose != self._whose:
            log.warning("%s: %s; prune under that name as well, or start it here once", station.store.data, gone.left)
        self._whose = gone.whose or self._whose
        if gone.left_to_another_log and gone.unread not in self._said_of_other_log:
            log.warning("%s: %s", station.store.data, gone.left_to_another_log)
            self._said_of_other_log.add(gone.unread)

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
