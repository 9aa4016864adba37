"""What a running station does beside inspecting: at its start and every ten minutes it removes what is not to be kept."""

import threading

from steelsight.errors import UserError
from steelsight.station.log.log import InspectionLog
from steelsight.station.log.retention import prune
from steelsight.station.settings import StationSettings
from steelsight.station.store import ImageStore

_EVERY = 600.0  # seconds


class Upkeep:
    """The thread that does it.

    Attributes:
        trouble: why it could not the last time, in one sentence; None where it could.
    """

    def __init__(self, store: ImageStore, log: InspectionLog, settings: StationSettings) -> None:
        self.trouble: str | None = None
        self._store, self._log, self._settings = store, log, settings
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End, once what is being removed is."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                self._store.sweep()
                prune(self._log, self._store, self._settings)
                self.trouble = None
            except (UserError, OSError) as error:
                self.trouble = str(error)
            if self._ended.wait(_EVERY):
                return
