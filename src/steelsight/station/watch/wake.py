"""Hearing from the system that something happened in a folder, where it tells: only a reason to look sooner."""

import threading
from collections.abc import Callable
from pathlib import Path

_AGAIN = 30.0  # seconds after which one asks anew for notices that failed


class Waker:
    """A thread that calls `wake` when something in a folder changes.

    Network shares tell nothing of what other machines do, and notices can fail in many ways; all are survived, since the
    folder is looked at regularly in any case.
    """

    def __init__(self, folder: Path, *, below: bool, wake: Callable[[], None]) -> None:
        self._folder, self._below, self._wake = folder, below, wake
        self._stop = threading.Event()
        threading.Thread(target=self._run, name="wake", daemon=True).start()

    def stop(self) -> None:
        """Listen no more."""
        self._stop.set()

    def _run(self) -> None:
        from watchfiles import watch

        while not self._stop.is_set():
            try:
                for _ in watch(
                    self._folder, recursive=self._below, stop_event=self._stop, debounce=200, rust_timeout=1000
                ):
                    self._wake()
            except Exception:  # no notices, for whatever reason: too many watches, a folder that is gone, ...
                self._stop.wait(_AGAIN)
