"""Files that appear, grow, change their names and vanish, against a plain model of a folder and a clock that is set."""

import itertools
import math
from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from steelsight.station.watch.order import arrival_key
from steelsight.station.watch.scan import Entry, Snapshot
from steelsight.station.watch.waiting_files import Awaited, WaitingFiles

SETTLE, PATIENCE = 2.0, 9.0
NAMES = st.sampled_from([f"line {number}.png" for number in (1, 2, 3, 10)])


class Folder(RuleBasedStateMachine):
    """A folder, a log, and the books kept of both."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.files: dict[str, Entry] = {}
        self.broken: set[str] = set()
        self.changed_at: dict[str, float] = {}
        self.log: list[tuple[str, int, int]] = []
        self.numbers = itertools.count(1)
        self.in_work: list[Awaited] = []
        self.books = WaitingFiles(SETTLE, PATIENCE)

    def write(self, name: Any, inode: Any) -> None:
        number = next(self.numbers)
        self.files[name] = Entry(name, size=number, modified_ns=number, inode=inode)
        self.changed_at[name] = self.now

    @rule(name=NAMES, is_broken=st.booleans())
    def appear(self, name: Any, is_broken: Any) -> None:
        self.write(name, next(self.numbers))
        (self.broken.add if is_broken else self.broken.discard)(name)

    @precondition(lambda self: self.files)
    @rule(data=st.data())
    def grow(self, data: Any) -> None:
        name = data.draw(st.sampled_from(sorted(self.files)))
        self.write(name, self.files[name].inode)

    @precondition(lambda self: self.files)
    @rule(data=st.data())
    def vanish(self, data: Any) -> None:
        del self.files[data.draw(st.sampled_from(sorted(self.files)))]

    @precondition(lambda self: self.files)
    @rule(data=st.data(), to=NAMES)
    def rename(self, data: Any, to: Any) -> None:
        name = data.draw(st.sampled_from(sorted(self.files)))
        self.files[to] = replace(self.files.pop(name), name=to)
        self.changed_at[to] = self.changed_at[name]
        (self.broken.add if name in self.broken else self.broken.discard)(to)

    @rule()
    def the_share_numbers_its_files_anew(self) -> None:
        self.files = {name: replace(one, inode=next(self.numbers)) for name, one in self.files.items()}

    @rule(seconds=st.sampled_from([0.5, 1.0, 2.5, 10.0]))
    def time_goes_by(self, seconds: Any) -> None:
        self.now += seconds

    @rule(whole=st.booleans())
    def scan(self, whole: Any) -> None:
        entries = dict(self.files) if whole else {}
        snapshot = Snapshot(entries, {} if whole else dict.fromkeys(self.files, "no answer"))
        known = [one for one in self.books.unfamiliar(snapshot) if (one.name, *one.stamp) in self.log]
        self.books.see(snapshot, known, self.now)

    @rule()
    def take(self) -> None:
        one = self.books.take(self.now)
        if one is None:
            return
        self.in_work.append(one)
        assert self.now - one.still_since >= SETTLE
        waiting = self.books._waiting.values()
        ready = [other for other in waiting if max(other.still_since + SETTLE, other.try_at) <= self.now]
        assert all(arrival_key(one.seen, one.entry) < arrival_key(other.seen, other.entry) for other in ready)

    @precondition(lambda self: self.in_work)
    @rule(data=st.data(), log_is_full=st.booleans())
    def read(self, data: Any, log_is_full: Any) -> None:
        """As the loop does it with a file that it has taken."""
        one = self.in_work.pop(data.draw(st.integers(0, len(self.in_work) - 1)))
        found = self.files.get(one.entry.name)
        if found is None:
            self.books.give_back(one, try_at=math.inf)
        elif found.stamp != one.entry.stamp:
            self.books.changed(one, found, self.now)
        elif one.entry.name in self.broken and not self.books.is_last_try(one, self.now):
            self.books.broken(one, self.now)
        elif log_is_full:
            self.books.give_back(one, try_at=self.now + 5)
        else:
            if one.entry.name in self.broken:
                assert self.now - self.changed_at[one.entry.name] >= PATIENCE
            self.inspected(one)

    def inspected(self, one: Any) -> None:
        stamp = (one.entry.name, *one.entry.stamp)
        if stamp not in self.log:  # as the log does it: what it knows is not added
            self.log.append(stamp)
        self.books.finish(one)

    @rule()
    def restart(self) -> None:
        self.books, self.in_work = WaitingFiles(SETTLE, PATIENCE), []

    @invariant()
    def nothing_is_due_for_ever(self) -> None:
        assert self.books.count >= len(self.in_work)

    def teardown(self) -> None:
        """Once the folder is quiet, every file in it is in the log."""
        for one in self.in_work:
            self.books.give_back(one, try_at=math.inf)
        self.in_work = []
        for _ in range(40):
            self.scan(whole=True)
            self.now += 1.0
            while one := self.books.take(self.now):
                name = one.entry.name
                if name not in self.files:
                    self.books.give_back(one, try_at=math.inf)
                elif self.files[name].stamp != one.entry.stamp:
                    self.books.changed(one, self.files[name], self.now)
                elif name in self.broken and not self.books.is_last_try(one, self.now):
                    self.books.broken(one, self.now)
                else:
                    self.inspected(one)
        assert {(name, *one.stamp) for name, one in self.files.items()} <= set(self.log)
        assert self.books.count == 0
        assert self.books.next_due() == math.inf
        assert {one.name for one in self.books.done()} == set(self.files)


def test_every_file_is_inspected_once_it_is_still() -> None:
    run_state_machine_as_test(Folder, settings=settings(max_examples=60, stateful_step_count=30, deadline=None))


def test_a_renamed_file_keeps_its_place() -> None:
    books = WaitingFiles(SETTLE, PATIENCE)
    books.see(Snapshot({"b.png": Entry("b.png", 5, 5, 77)}, {}), [], 0.0)
    later = {"c.png": Entry("c.png", 5, 5, 77), "a.png": Entry("a.png", 1, 1, 78)}
    changes = books.see(Snapshot(later, {}), [], 1.0)
    assert (changes.renamed, changes.vanished) == ((("b.png", "c.png"),), ())
    taken = [books.take(4.0), books.take(4.0), books.take(4.0)]
    assert [one and one.entry.name for one in taken] == ["c.png", "a.png", None]


def test_a_file_in_work_stays_the_same_when_its_share_numbers_files_anew() -> None:
    books = WaitingFiles(SETTLE, PATIENCE)
    entry = Entry("a.png", 5, 5, 77)
    books.see(Snapshot({"a.png": entry}, {}), [], 0.0)
    one = books.take(3.0)
    assert one is not None
    again = Snapshot({"a.png": replace(entry, inode=78)}, {})
    assert books.unfamiliar(again) == []
    assert books.see(again, [], 3.0).appeared == ()
    books.finish(one)
    assert (books.count, books.take(9.0)) == (0, None)


def test_tries_of_a_broken_file_come_at_doubling_intervals_and_end() -> None:
    books = WaitingFiles(SETTLE, PATIENCE)
    books.see(Snapshot({"a.png": Entry("a.png", 5, 5, 1)}, {}), [], 0.0)
    tries = []
    for tenth in range(0, 300):
        now = tenth / 10
        if (one := books.take(now)) is not None:
            tries.append(now)
            if books.is_last_try(one, now):
                books.finish(one)
            else:
                books.broken(one, now)
    assert tries == [2.0, 4.0, 6.0, 10.0, 11.0]
