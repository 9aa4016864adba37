"""A worker does one thing after the other, and the loop hears of each, of failures too."""

import threading
from collections.abc import Callable
from queue import SimpleQueue

from steelsight.station.watch.workers import Worker


def test_things_are_done_in_order_and_heard_of_where_the_loop_is() -> None:
    events: SimpleQueue[Callable[[], None]] = SimpleQueue()
    worker, heard = Worker("test", events), list[object]()
    gate, began = threading.Event(), threading.Event()

    def slow() -> str:
        began.set()
        assert gate.wait(30)
        return threading.current_thread().name

    def fails() -> int:
        raise OSError("gone")

    worker.give(slow, heard.append)
    worker.give(fails, heard.append)
    worker.give(lambda: 3, heard.append)
    assert began.wait(30)
    assert (worker.busy, heard) == (3, [])  # whoever gives does not wait
    gate.set()
    for left in (2, 1, 0):
        events.get(timeout=30)()
        assert worker.busy == left
    name, error, three = heard
    assert (name, three) == ("test", 3)
    assert isinstance(error, OSError)


def test_two_workers_do_not_wait_for_each_other() -> None:
    events: SimpleQueue[Callable[[], None]] = SimpleQueue()
    meet = threading.Barrier(2, timeout=30)
    heard: list[object] = []
    for name in ("a", "b"):
        Worker(name, events).give(meet.wait, heard.append)
    for _ in range(2):
        events.get(timeout=30)()
    assert sorted(map(str, heard)) == ["0", "1"]
