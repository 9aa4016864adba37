"""The loop of a watched folder: look, read what is complete, have it inspected, write what the log has, move the file.

The loop itself only keeps the books. What a slow share may hold up is done by threads (`Worker`), and what they did comes
back as events, so that results are written while a scan hangs.
"""

import math
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue

from steelsight.core.errors import UserError
from steelsight.imaging.read import ImageError
from steelsight.station.inspection import Arrival, Inspection
from steelsight.station.log.watched import Logged, another_station, known_files
from steelsight.station.queue.incoming import Incoming
from steelsight.station.station import QueueFull, Station
from steelsight.station.watch.content import Changed, Content, Gone, ReadFault, read_whole
from steelsight.station.watch.counts import WatchFigures
from steelsight.station.watch.move_files import move
from steelsight.station.watch.problems import ProblemLog
from steelsight.station.watch.results import ResultTables
from steelsight.station.watch.scan import Entry, Snapshot, scan
from steelsight.station.watch.settings import Watched
from steelsight.station.watch.waiting_files import Awaited, WaitingFiles
from steelsight.station.watch.workers import Events, Worker
from steelsight.station.writers import own_names

_PAUSE = 5.0
"""Seconds after which what failed for want of a disk or a database is tried again."""
_SLOW = 10.0
_SHORTEST = 0.05  # between two scans, however often the system tells of changes
_BYTES_PER_PIXEL = 6  # three channels of 16 bit
_HEADERS = 1_000_000
_NOTHING = Content.of(b"").sha256
"""What stands in the log for a file that could not be read."""
_HELD = 256_000_000  # bytes of files in work beyond which no further one is read: they may be of 64 million pixels each
_LAST_MOVES = 5.0  # seconds that a stop waits for moves; what is left is moved at the next start


class Follow:
    """Watches one folder until it is stopped.

    Args:
        station: that inspects.
        watched: the folder.
        tables: where results are appended; None: to the log alone.
        tell: says a sentence to the user.
    """

    def __init__(
        self, station: Station, watched: Watched, tables: ResultTables | None, tell: Callable[[str], None]
    ) -> None:
        self.figures = WatchFigures()
        self.troubles = ProblemLog(tell)
        self.waiting = WaitingFiles(watched.settle, watched.patience)
        self._station, self._watched, self._tables, self._tell = station, watched, tables, tell
        self._most = _BYTES_PER_PIXEL * station.settings.max_pixels + _HEADERS
        self._events: Events = SimpleQueue()
        self._scanner, self._reader, self._mover = (Worker(name, self._events) for name in ("scan", "read", "move"))
        self._accepted = 0
        self._results: list[Inspection] = []
        self._moving: set[Entry] = set()
        self._unknown: set[str] = set()
        self._unsure: dict[Entry, Logged] = {}
        self._own, self._other = own_names(station.log, station.settings), None
        if self._own is not None:
            self._other = another_station(station.log, str(watched.folder), self._own)
        self._scan_at = self._rested_at = self._write_at = self._move_at = -math.inf
        self._scan_began = 0.0
        self._scans = 0
        self._failing_since: float | None = None
        self._stopped_at: float | None = None

    def run(self, show: Callable[[], None]) -> None:
        """Watch until `stop`, or with `once` until all is done; `show` is called now and then.

        Raises:
            UserError: with `once`: the folder cannot be read, or results cannot be kept.
        """
        if self._other is not None:
            self._tell(
                f"{self._watched.folder}: station {self._other}, which has another data folder, has inspected images of this "
                "path too; whether an image is one of those is told by its content, and the tables leave those out"
            )
        while not self._is_over():
            self._hear()
            self._write()
            self._look()
            self._feed()
            show()

    def stop(self) -> None:
        """Take nothing further, and end when all that was accepted is done; may be called by a signal handler."""
        self._events.put(self._stop)

    def wake(self) -> None:
        """Look as soon as possible; may be called by any thread."""
        self._events.put(self._wake)

    def _stop(self) -> None:
        self._stopped_at = time.monotonic()

    def _wake(self) -> None:
        self._scan_at = min(self._scan_at, self._rested_at)

    def _is_over(self) -> bool:
        if self._accepted or self._results:
            return False
        if self._stopped_at is not None:
            return not self._mover.busy or time.monotonic() - self._stopped_at > _LAST_MOVES
        done = self._watched.once and self._scans and not self.waiting.count and not self._mover.busy
        return bool(done) and (self._tables is None or not self._tables.missing)

    def _hear(self) -> None:
        """Wait for an event, or until something is due; then take in all events that are there."""
        now = time.monotonic()
        due = now + 0.25
        if not self._scanner.busy and not self._is_closing:
            due = min(due, self._scan_at)
        if self._has_room:
            due = min(due, self.waiting.next_due())
        try:
            self._events.get(timeout=max(0.001, due - now))()
            while True:
                self._events.get_nowait()()
        except Empty:
            return

    @property
    def _is_closing(self) -> bool:
        """Whether the folder is not looked at any more."""
        return self._stopped_at is not None or (self._watched.once and self._scans > 0)

    @property
    def _has_room(self) -> bool:
        if self._stopped_at is not None or self.waiting.bytes_in_work >= _HELD:
            return False
        return self._reader.busy + self._accepted < self._station.settings.queue

    def _look(self) -> None:
        now, watched = time.monotonic(), self._watched
        if self._scanner.busy:
            if now - self._scan_began > _SLOW:
                self.troubles.begin(
                    "slow", f"{watched.folder}: has not answered for {_SLOW:.0f} s; still waiting for it"
                )
        elif now >= self._scan_at and not self._is_closing:
            self._scan_began = now
            self._scanner.give(partial(scan, watched.folder, below=watched.below, apart=watched.apart), self._scanned)

    def _scanned(self, found: Snapshot | Exception) -> None:
        now, folder = time.monotonic(), self._watched.folder
        # a folder with very many files takes long: no more than a fifth of the time goes into looking at it
        self._rested_at = now + min(max(_SHORTEST, 4 * (now - self._scan_began)), _SLOW)
        self._scan_at = max(self._scan_began + self._watched.poll, self._rested_at)
        self.troubles.end("slow", f"{folder}: answers again")
        if isinstance(found, Exception):
            why = getattr(found, "strerror", None) or found
            sentence = f"{folder}: cannot be read ({why}); looked for again every {self._watched.poll:g} s"
            if self._watched.once:
                raise UserError(f"{folder}: cannot be read ({why}); check the path and its rights")
            self.troubles.begin("folder", sentence)
            return
        self.troubles.end("folder", f"{folder}: can be read again")
        for place in self._unknown - found.unknown.keys() - found.passed_over.keys():
            self.troubles.end_file(place)
        self._unknown = {*found.unknown, *found.passed_over}
        for place, why in found.unknown.items():
            self.troubles.begin_file(place, f"{place}: cannot be looked at ({why})")
        for place, why in found.passed_over.items():
            self.troubles.begin_file(place, f"{place}: left out: {why}")
        try:
            known = self._known(self.waiting.unfamiliar(found))
        except UserError as error:
            self._log_fails("asked", error)
            return
        if self.troubles.end("asked", "the log answers again"):
            self._failing_since = None
        self._scans += 1
        self._unsure = {one: logged for one, logged in self._unsure.items() if found.entries.get(one.name) == one}
        changes = self.waiting.see(found, known, now)
        for old, new in changes.renamed:
            self._tell(f"{old}: is now {new}")
            self.troubles.end_file(old)
        self._tell_vanished(changes.vanished)
        if self._watched.move is not None and now >= self._move_at:
            for entry in list(self.waiting.done()):
                self._move(entry)

    def _known(self, entries: list[Entry]) -> list[Entry]:
        """Those that the log has, by name, size and time, and that are surely meant by it."""
        names = [one.name for one in entries]
        logged = known_files(self._station.log, str(self._watched.folder), names) if names else {}
        there = {one: logged[stamp] for one in entries if (stamp := (one.name, *one.stamp)) in logged}
        # before a file is moved as done, its content decides in any case
        unsure = {one: had for one, had in there.items() if self._watched.move is not None or not self._is_own(had)}
        self._unsure.update(unsure)
        return [one for one in there if one not in unsure]

    def _is_own(self, logged: Logged) -> bool:
        """Whether stations of this data folder alone inspected such a file: on another machine it may be another."""
        if self._own is None:
            return True
        return logged.stations <= (self._own if self._other is not None else {*self._own, None})

    def _tell_vanished(self, names: tuple[str, ...]) -> None:
        self.figures.vanished += len(names)
        for name in names:
            self.troubles.end_file(name)
        if names:
            further = f" and {len(names) - 1} more" if len(names) > 1 else ""
            self._tell(f"{names[0]}{further}: gone before the inspection")

    def _feed(self) -> None:
        while self._has_room and (one := self.waiting.take(time.monotonic())) is not None:
            self._reader.give(
                partial(read_whole, self._watched.folder, one.entry, most=self._most), partial(self._read, one)
            )

    def _read(self, one: Awaited, found: Content | Changed | ReadFault | Exception) -> None:
        now, name, logged = time.monotonic(), one.entry.name, self._unsure.get(one.entry)
        if self._stopped_at is not None:
            return
        match found:
            case Content() if logged is not None and found.sha256 in logged.sha256:
                self._is_known(one)
            case Content():
                self._submit(one, found, None)
            case ReadFault() if logged is not None and self._is_own(logged):
                self._is_unreadable_by_now(one, logged, found.sentence)
            case ReadFault() if self.waiting.is_last_try(one, now):
                self._submit(one, Content.of(b""), found.sentence)
            case ReadFault():
                self._is_broken(one, found.sentence)
            case Changed() if not self._watched.once:
                self.waiting.changed(one, found.entry, now)
            case Gone() if not self._watched.once:
                self.waiting.give_back(one, try_at=math.inf)  # the next scan tells whether it is gone or renamed
            case Changed() | Gone():
                self.waiting.drop(one)
                self.troubles.end_file(name)
                self.figures.left += 1
                self._tell(f"{name}: changed or disappeared during this run, and is left to the next one")
            case _:
                raise found

    def _submit(self, one: Awaited, found: Content, fault: str | None) -> None:
        entry, now = one.entry, time.monotonic()
        arrival = Arrival(str(self._watched.folder), entry.name, entry.size, entry.modified_ns, found.sha256)
        is_last_try = self.waiting.is_last_try(one, now)
        try:
            future = self._station.submit(
                Incoming(entry.name, found.content, "watch", arrival, fault=fault, is_last_try=is_last_try)
            )
        except QueueFull:
            self.waiting.give_back(one, try_at=now + 0.1)
            return
        self._accepted += 1
        future.add_done_callback(lambda done: self._events.put(partial(self._inspected, one, done)))

    def _inspected(self, one: Awaited, future: "Future[Inspection]") -> None:
        self._accepted -= 1
        match future.exception():
            case None:
                self._is_logged(one, future.result())
            case ImageError() as error:
                self._is_broken(one, error.sentence)
            case Exception() as error:
                self.waiting.give_back(one, try_at=time.monotonic() + _PAUSE)
                self._log_fails("log", error)
            case error:
                raise error

    def _is_logged(self, one: Awaited, inspection: Inspection) -> None:
        self.waiting.finish(one)
        self.figures.add(inspection, time.monotonic())
        self._failing_since = None
        self.troubles.end("log", "results are kept again")
        self.troubles.end_file(one.entry.name)
        if inspection.result.error is not None:
            logged = "for review" if inspection.result.is_unjudged else "as unreadable"
            self._tell(f"{inspection.result.error}; logged {logged}")
        if self._tables is not None:
            self._results.append(inspection)
        if self._watched.move is not None:
            self._move(one.entry)

    def _is_known(self, one: Awaited) -> None:
        """Its content is one that the log has."""
        self._unsure.pop(one.entry, None)
        self.waiting.finish(one)
        self.troubles.end_file(one.entry.name)
        if self._watched.move is not None:
            self._move(one.entry)

    def _is_unreadable_by_now(self, one: Awaited, logged: Logged, why: str) -> None:
        """Inspected here before, and only its content is still to be compared, before it is moved."""
        name = one.entry.name
        if _NOTHING in logged.sha256:  # it could not be read then, and was logged as that
            self._is_known(one)
        elif self._watched.once:
            self.waiting.drop(one)
            self.figures.left += 1
            self.troubles.begin_file(name, f"{name}: {why}; it was inspected before, and is not moved")
        else:
            self.waiting.give_back(one, try_at=time.monotonic() + _PAUSE)
            self.troubles.begin_file(name, f"{name}: {why}; it was inspected before, and is moved when it can be read")

    def _is_broken(self, one: Awaited, why: str) -> None:
        self.waiting.broken(one, time.monotonic())
        self.troubles.begin_file(
            one.entry.name, f"{one.entry.name}: {why}; tried again for {self._watched.patience:g} s"
        )

    def _log_fails(self, what: str, error: Exception) -> None:
        now = time.monotonic()
        self._failing_since = now if self._failing_since is None else self._failing_since
        if self._watched.once and now - self._failing_since >= self._watched.patience:
            raise error
        self.troubles.begin(what, f"{error}; the images wait, and are tried again every {_PAUSE:.0f} s")

    def _write(self) -> None:
        """Bring the tables up to the log."""
        now = time.monotonic()
        if self._tables is None or now < self._write_at or not (self._results or self._tables.missing):
            return
        results, self._results = self._results, []
        try:
            self._tables.add(results)
            self._tables.catch_up()
        except (UserError, OSError) as error:
            self._write_at = now + _PAUSE
            if self._watched.once and self._is_last():
                raise UserError(f"{error}; the results are in the log") from error
            self.troubles.begin("tables", f"{error}; the results are in the log, and the tables are caught up later")
        else:
            self.troubles.end("tables", "the tables are complete again")
            # rows that last cost the disk some time: no more than a fifth of it is spent on them
            self._write_at = now + 4 * (time.monotonic() - now)

    def _is_last(self) -> bool:
        return not self._accepted and not self.waiting.count

    def _move(self, entry: Entry) -> None:
        target = self._watched.move
        if target is not None and entry not in self._moving:
            self._moving.add(entry)
            self._mover.give(partial(move, self._watched.folder, entry, target), partial(self._moved, entry))

    def _moved(self, entry: Entry, place: Path | Exception | None) -> None:
        self._moving.discard(entry)
        if isinstance(place, Exception):
            self._move_at = time.monotonic() + _PAUSE
            why = getattr(place, "strerror", None) or place
            sentence = (
                f"{entry.name}: cannot be moved to {self._watched.move} ({why}); inspected files stay until it works"
            )
            self.troubles.begin("move", sentence)
        else:
            self.troubles.end("move", "files are moved again")
            if place is not None:
                self.figures.moved += 1
                self.waiting.forget(entry)
