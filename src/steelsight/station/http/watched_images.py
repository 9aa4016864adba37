"""What the watches of a station's folder have inspected since the station started: another process, whose images are in the
log alone."""

import threading
import time
from collections import Counter

from steelsight.core.errors import UserError
from steelsight.station.log.watched import count_watched, latest_number
from steelsight.station.station import Station
from steelsight.station.writers import own_names

EVERY = 60.0
"""Seconds between two looks into the log."""


class WatchedImages:
    """Hands out each image once, so that counts never fall when retention removes entries, nor when the log does not answer.

    A look counts what was in the log at the look before: of two writers to a database, the one that was given the lower
    number may be the later to finish, and would be missed.
    """

    def __init__(self, station: Station) -> None:
        self._station = station
        self._counted = self._seen = latest_number(station.log)
        self._looked = time.monotonic()
        self._looking = threading.Lock()

    def take(self) -> Counter[tuple[str, bool]]:
        """What came, by verdict, `none` without one, and whether a network gave no probability; empty between two looks."""
        if time.monotonic() < self._looked + EVERY or not self._looking.acquire(blocking=False):
            return Counter()
        try:
            latest, names = latest_number(self._station.log), own_names(self._station.log, self._station.settings)
            came = count_watched(self._station.log, self._counted, self._seen, names)
            self._counted, self._seen = self._seen, latest
            return came
        except UserError:  # the log does not answer, which `/readyz` says; what came is counted later
            return Counter()
        finally:
            self._looked = time.monotonic()
            self._looking.release()
