"""Which files of a watched folder wait, which of them are complete, and whose turn it is. Time is given, never asked for."""

import heapq
import itertools
import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace

from steelsight.core.natural_order import Natural
from steelsight.station.watch.order import arrival_key
from steelsight.station.watch.scan import Entry, Snapshot


@dataclass(frozen=True, slots=True)
class Awaited:
    """A file that is not inspected yet.

    Attributes:
        entry: as it was seen last.
        seen: number of the scan that saw it first.
        still_since: when it was first seen with this size and time.
        try_at: not taken before this time; infinite until the next scan tells whether it is still there.
        broken_since: when it could not be read for the first time; None while nothing is known against it.
    """

    entry: Entry
    seen: int
    still_since: float
    try_at: float
    broken_since: float | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What a scan has found.

    Attributes:
        appeared: files that were not there, or whose content is another since they were inspected.
        vanished: files that went before they were inspected.
        renamed: old and new name of files that wait.
    """

    appeared: tuple[Entry, ...]
    vanished: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...]


@dataclass
class WaitingFiles:
    """The files that wait, those in work, and those that are done and still there.

    A file is complete when its size and time have stayed the same for `settle` seconds. One that cannot be read then is
    tried again, at growing intervals, until `patience` seconds have gone: the last attempt counts, whatever comes of it.

    Args:
        settle, patience: seconds.
    """

    settle: float
    patience: float
    _waiting: dict[str, Awaited] = field(default_factory=dict)
    _in_work: dict[Entry, Awaited] = field(default_factory=dict)
    _done: dict[str, Entry] = field(default_factory=dict)
    _later: list[tuple[float, int, Awaited]] = field(default_factory=list)
    _line: list[tuple[tuple[int, int, Natural], int, Awaited]] = field(default_factory=list)
    _number: Iterator[int] = field(default_factory=itertools.count)
    _scans: int = 0

    @property
    def count(self) -> int:
        """How many files wait or are in work."""
        return len(self._waiting) + len(self._in_work)

    @property
    def bytes_in_work(self) -> int:
        """What the files that were taken hold together."""
        return sum(entry.size for entry in self._in_work)

    def unfamiliar(self, snapshot: Snapshot) -> list[Entry]:
        """The files that the log must be asked about before `see`: not seen before in this shape."""
        return [entry for entry in snapshot.entries.values() if not self._has(entry)]

    def see(self, snapshot: Snapshot, known: Collection[Entry], now: float) -> Changes:
        """Take in a scan.

        Args:
            known: of the unfamiliar files, those that were inspected before.
        """
        self._scans += 1
        for entry in known:
            self._done[entry.name] = entry
        fresh = [one for one in snapshot.entries.values() if not self._has(one)]
        gone = {name: one for name, one in self._waiting.items() if self._is_gone(name, snapshot)}
        renamed = self._follow_renames([one for one in fresh if one.name not in self._waiting], gone)
        came = {new for _, new in renamed}
        for name in gone:
            self._waiting.pop(name, None)
        for name in [name for name in self._done if self._is_gone(name, snapshot)]:
            del self._done[name]
        for entry in fresh:
            if entry.name not in came:
                self._meet(entry, now)
        for name, one in list(self._waiting.items()):
            if one.try_at == math.inf and name in snapshot.entries:
                self._put(replace(one, try_at=now))
        moved = {old for old, _ in renamed}
        appeared = tuple(one for one in fresh if one.name not in came)
        return Changes(appeared, tuple(name for name in gone if name not in moved), tuple(renamed))

    def take(self, now: float) -> Awaited | None:
        """The file whose turn it is, now in work; None where none is complete."""
        while self._later and self._later[0][0] <= now:
            _, number, one = heapq.heappop(self._later)
            heapq.heappush(self._line, (arrival_key(one.seen, one.entry), number, one))
        while self._line:
            *_, one = heapq.heappop(self._line)
            if self._is_current(one):
                del self._waiting[one.entry.name]
                self._in_work[one.entry] = one
                return one
        return None

    def is_last_try(self, one: Awaited, now: float) -> bool:
        """Whether a file that cannot be read now is to be logged as unreadable."""
        return one.broken_since is not None and now - one.broken_since >= self.patience

    def finish(self, one: Awaited) -> None:
        """It is in the log."""
        del self._in_work[one.entry]
        self._done[one.entry.name] = one.entry

    def give_back(self, one: Awaited, *, try_at: float) -> None:
        """It could not be inspected, for no fault of its own; `try_at` is infinite where it may be gone."""
        self._put_back(replace(one, try_at=try_at), one.entry)

    def changed(self, one: Awaited, entry: Entry, now: float) -> None:
        """It was written to meanwhile."""
        self._put_back(Awaited(entry, one.seen, now, now), one.entry)

    def broken(self, one: Awaited, now: float) -> None:
        """It could not be opened or decoded."""
        since = now if one.broken_since is None else one.broken_since
        pause = max(self.settle, now - since)  # as long as it has been broken: the intervals double
        self._put_back(replace(one, broken_since=since, try_at=min(now + pause, since + self.patience)), one.entry)

    def next_due(self) -> float:
        """When the next file will be complete or tried again; infinite where none is waiting for its time."""
        while self._later and not self._is_current(self._later[0][2]):
            heapq.heappop(self._later)
        return self._later[0][0] if self._later else math.inf

    def done(self) -> Collection[Entry]:
        """The files that are in the log and were still there at the last scan."""
        return self._done.values()

    def forget(self, entry: Entry) -> None:
        """A file that is done was moved away."""
        if self._done.get(entry.name) == entry:
            del self._done[entry.name]

    def drop(self, one: Awaited) -> None:
        """It is not to be inspected now."""
        del self._in_work[one.entry]

    def _has(self, entry: Entry) -> bool:
        waits, done = self._waiting.get(entry.name), self._done.get(entry.name)
        if entry in self._in_work or (waits is not None and waits.entry.stamp == entry.stamp):
            return True
        return done is not None and done.stamp == entry.stamp

    def _is_gone(self, name: str, snapshot: Snapshot) -> bool:
        return name not in snapshot.entries and snapshot.knows(name)

    def _follow_renames(self, fresh: list[Entry], gone: dict[str, Awaited]) -> list[tuple[str, str]]:
        """Files that wait and have another name now keep their place in the line."""
        by_inode = {one.entry.inode: one for one in gone.values() if one.entry.inode}
        renamed: list[tuple[str, str]] = []
        for entry in fresh:
            one = by_inode.get(entry.inode)
            if one is not None and one.entry.stamp == entry.stamp:
                del by_inode[entry.inode]
                self._put(replace(one, entry=entry))
                renamed.append((one.entry.name, entry.name))
        return renamed

    def _meet(self, entry: Entry, now: float) -> None:
        before = self._waiting.get(entry.name)
        self._put(Awaited(entry, before.seen if before else self._scans, now, now))

    def _put_back(self, one: Awaited, was: Entry) -> None:
        del self._in_work[was]
        if one.entry.name not in self._waiting:  # else a scan has seen it anew meanwhile
            self._put(one)

    def _put(self, one: Awaited) -> None:
        self._waiting[one.entry.name] = one
        due = max(one.still_since + self.settle, one.try_at)
        if due < math.inf:
            heapq.heappush(self._later, (due, next(self._number), one))

    def _is_current(self, one: Awaited) -> bool:
        return self._waiting.get(one.entry.name) is one
