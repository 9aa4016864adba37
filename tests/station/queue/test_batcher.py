"""Admission is bounded, groups are shared out, and a worker outlives whatever its work does."""

import asyncio
import threading
from typing import Any

import pytest

from steelsight.station.queue.batcher import Batcher, Closed, QueueFull
from steelsight.station.queue.incoming import Incoming

IMAGE = Incoming("a.jpg", b"", "http")


class Gate:
    """Work that waits until it is let through, and remembers its groups."""

    def __init__(self) -> None:
        self.open, self.entered = threading.Event(), threading.Semaphore(0)
        self.groups = []

    def __call__(self, group: Any, alone: Any) -> None:
        self.groups.append((len(group), alone))
        self.entered.release()
        assert self.open.wait(10)
        for job in group:
            job.future.set_result(job.incoming)


def submit(batcher: Any, count: Any) -> Any:
    with batcher.admit(count) as admission:
        return [admission.submit(IMAGE) for _ in range(count)]


def test_what_waits_is_shared_out_in_batches_and_only_who_is_alone_is_alone() -> None:
    gate = Gate()
    batcher = Batcher(gate, queue=20, batch=4, workers=2)
    futures = submit(batcher, 1)
    gate.entered.acquire()
    futures += submit(batcher, 1)
    gate.entered.acquire()
    assert gate.groups == [(1, True), (1, False)]
    futures += submit(batcher, 9)
    assert (batcher.accepted, batcher.waiting) == (11, 9)
    gate.open.set()
    batcher.close()
    assert all(future.result(0) is IMAGE for future in futures)
    assert max(size for size, _ in gate.groups) == 4
    assert sum(size for size, _ in gate.groups) == 11
    assert batcher.accepted == 0


def test_beyond_the_queue_nothing_is_admitted_and_unused_room_is_free_again() -> None:
    gate = Gate()
    batcher = Batcher(gate, queue=3, batch=1, workers=1)
    submit(batcher, 1)
    with batcher.admit(1) as admission:
        with pytest.raises(QueueFull, match="3 images"):
            batcher.admit(2)
        admission.submit(IMAGE)
        with pytest.raises(ValueError, match="than were admitted"):
            admission.submit(IMAGE)
    with batcher.admit(1), pytest.raises(QueueFull):
        batcher.admit(1)
    assert batcher.accepted == 2
    gate.open.set()
    batcher.close()
    with pytest.raises(Closed):
        batcher.admit(1)


def test_an_error_of_the_work_reaches_its_senders_and_the_worker_goes_on() -> None:
    def work(group: Any, alone: Any) -> None:
        if group[0].incoming.name == "bad":
            raise MemoryError("no room")
        group[0].future.set_result(None)

    batcher = Batcher(work, queue=9, batch=1, workers=1)
    with batcher.admit(3) as admission:
        futures = [admission.submit(Incoming(name, b"", "http")) for name in ("bad", "good", "bad")]
        for place, future in enumerate(futures):
            assert not future.cancel()  # who stops waiting does not stop the work
            if place == 1:
                assert future.result(10) is None
            else:
                with pytest.raises(MemoryError):
                    future.result(10)
    batcher.close()


def test_who_has_room_may_still_use_it_while_the_batcher_closes() -> None:
    gate = Gate()
    gate.open.set()
    batcher = Batcher(gate, queue=2, batch=1, workers=1)
    with batcher.admit(1) as admission:
        closing = threading.Thread(target=batcher.close)
        closing.start()
        while not batcher.closed:
            pass
        future = admission.submit(IMAGE)
    closing.join(10)
    assert future.result(0) is IMAGE


def test_under_load_from_many_threads_all_that_is_accepted_is_answered() -> None:
    answered, refused = [], []

    def work(group: Any, alone: Any) -> None:
        for job in group:
            job.future.set_result(None)

    batcher = Batcher(work, queue=8, batch=4, workers=3)

    def send() -> None:
        for _ in range(200):
            try:
                answered.extend(future.result(10) for future in submit(batcher, 3))
            except QueueFull as full:
                refused.append(full.retry_after)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    batcher.close()
    assert len(answered) + 3 * len(refused) == 8 * 200 * 3
    assert answered
    assert batcher.accepted == 0


def test_an_error_that_no_event_loop_hands_on_is_handed_on_as_another() -> Any:
    """An asyncio future takes no StopIteration: whoever waited for it over HTTP waited for ever."""

    def work(group: Any, alone: Any) -> None:
        next(iter(()))

    async def wait(future: Any) -> Any:
        return await asyncio.wait_for(asyncio.wrap_future(future), 10)

    batcher = Batcher(work, queue=1, batch=1, workers=1)
    with batcher.admit(1) as admission:
        future = admission.submit(Incoming("a", b"", "http"))
    with pytest.raises(RuntimeError, match="missing"):
        asyncio.run(wait(future))
    batcher.close()
