"""Bounded admission and batching: what waits is judged together, and nobody waits for others to come.

Each worker takes its share of what is waiting at that moment, and at most a batch: alone, an image is judged at once; many
are judged as fast as in a stream. What is accepted and not yet answered never exceeds `queue`, whatever comes in.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from steelsight.core.errors import UserError
from steelsight.station.inspection import Inspection
from steelsight.station.queue.incoming import Incoming
from steelsight.station.queue.request_group import RequestGroup

_SMOOTHING = 0.1  # weight of the newest answer in the mean time between answers
_LONGEST_WAIT = 60


class QueueFull(UserError):  # noqa: N818 (not a fault, an answer)
    """No room for further images.

    Attributes:
        retry_after: seconds, at least 1, after which there is likely some room.
    """

    def __init__(self, queue: int, retry_after: int) -> None:
        super().__init__(f"{queue} images are waiting or in work already; send these again in {retry_after} s")
        self.retry_after = retry_after


class Closed(UserError):  # noqa: N818 (not a fault, an answer)
    """The station is stopping."""

    def __init__(self) -> None:
        super().__init__("the station is stopping and takes no more images; send them again when it is back")


@dataclass(frozen=True, eq=False)
class QueuedImage:
    """An accepted image and the future that its sender holds.

    Attributes:
        together: the request that it is of, where that has several.
        started: `time.perf_counter()` of its acceptance.
    """

    incoming: Incoming
    together: "RequestGroup[Any] | None" = None
    future: "Future[Inspection]" = field(default_factory=Future)
    started: float = field(default_factory=time.perf_counter)

    def fail(self, error: Exception) -> None:
        """Tell its sender, and let those of the same request fail that are not logged."""
        if isinstance(error, StopIteration):  # which asyncio hands on to nobody: a request would wait for ever
            error = RuntimeError("an answer was missing")
        self.future.set_exception(error)
        if self.together is not None:
            self.together.fail(error)


Work = Callable[[Sequence[QueuedImage], bool], None]
"""Takes a group of jobs, and whether it is one that is alone: nothing else waits or is in work. Sees to it that their futures
are set, in its own time; those of a group that it raises for get the error."""


class Admission:
    """Room reserved for some images; what is not used when the context ends is free again."""

    def __init__(self, batcher: "Batcher", room: int) -> None:
        self._batcher, self._room = batcher, room

    def submit(self, incoming: Incoming, together: "RequestGroup[Any] | None" = None) -> "Future[Inspection]":
        """Put an image into the reserved room.

        Args:
            together: the request that it is of, where that has several.

        Raises:
            ValueError: more than were admitted.
        """
        if self._room < 1:
            raise ValueError("more images than were admitted")
        self._room -= 1
        return self._batcher.put(incoming, together)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._room:
            self._batcher.release(self._room)
            self._room = 0


class Batcher:
    """Worker threads over a bounded queue.

    Args:
        work: what a worker does with a group; see `Work`.
        queue: images that may be accepted and not yet answered.
        batch: the most that a worker takes at once.
        workers: threads.
    """

    def __init__(self, work: Work, *, queue: int, batch: int, workers: int) -> None:
        self._work, self._queue, self._batch = work, queue, batch
        self._waiting: deque[QueuedImage] = deque()
        self._changed = threading.Condition()
        self._reserved = self._in_work = 0
        self._unanswered: dict[QueuedImage, None] = {}
        self._free = workers
        self._closed = False
        self._between = 0.0  # seconds from one answer to the next, smoothed
        self._answered = time.perf_counter()
        self._threads = [threading.Thread(target=self._run, name=f"judge-{i}", daemon=True) for i in range(workers)]
        for thread in self._threads:
            thread.start()

    @property
    def accepted(self) -> int:
        """Images that are admitted, waiting or in work."""
        return self._reserved

    @property
    def waiting(self) -> int:
        """Images that no worker has taken yet."""
        return len(self._waiting)

    @property
    def closed(self) -> bool:
        """Whether nothing further is accepted."""
        return self._closed

    def admit(self, count: int) -> Admission:
        """Reserve room for so many images; see `Admission`.

        Raises:
            QueueFull: there is not that much.
            Closed: `close` was called.
        """
        with self._changed:
            if self._closed:
                raise Closed
            if self._reserved + count > self._queue:
                raise QueueFull(self._queue, self._retry_after())
            self._reserved += count
        return Admission(self, count)

    def put(self, incoming: Incoming, together: "RequestGroup[Any] | None" = None) -> "Future[Inspection]":
        """Queue an image for which room is reserved."""
        job = QueuedImage(incoming, together)
        job.future.set_running_or_notify_cancel()  # an accepted image is finished, even if its sender stops waiting
        job.future.add_done_callback(lambda _: self._on_answer(job))
        with self._changed:
            self._waiting.append(job)
            self._unanswered[job] = None
            self._changed.notify()
        return job.future

    def release(self, count: int) -> None:
        """Give reserved room back."""
        with self._changed:
            self._reserved -= count
            if self._closed:  # else nobody waits for room: workers that are woken for nothing cost as much as an answer
                self._changed.notify_all()

    def close(self, seconds: float | None = None) -> list[QueuedImage]:
        """Accept nothing further, and wait until all that was accepted is answered, at most so many seconds.

        Returns:
            what is not answered, and never may be.
        """
        with self._changed:
            self._closed = True
            is_done = self._changed.wait_for(lambda: self._reserved == 0, seconds)
            self._changed.notify_all()
            left = list(self._unanswered)
        if is_done:
            for thread in self._threads:
                thread.join()
        return left

    def _run(self) -> None:
        while taken := self._take():
            group, alone = taken
            try:
                self._work(group, alone)
            except Exception as error:
                for job in group:
                    if not job.future.done():
                        job.fail(error)
            with self._changed:
                self._in_work -= len(group)
                self._free += 1

    def _take(self) -> tuple[list[QueuedImage], bool] | None:
        """This worker's share of what is waiting, as soon as there is any; None when all is done."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or (self._closed and self._reserved == 0))
            if not self._waiting:
                return None
            share = -(-len(self._waiting) // self._free)
            group = [self._waiting.popleft() for _ in range(min(share, self._batch))]
            alone = len(group) == 1 and not self._waiting and not self._in_work
            self._in_work += len(group)
            self._free -= 1
            return group, alone

    def _on_answer(self, job: QueuedImage) -> None:
        now = time.perf_counter()
        with self._changed:
            between = now - max(self._answered, job.started)  # idle time does not count
            self._between += _SMOOTHING * (between - self._between)
            self._answered = now
            self._unanswered.pop(job, None)
        self.release(1)

    def _retry_after(self) -> int:
        """Seconds in which half of what was accepted is likely answered."""
        return min(_LONGEST_WAIT, max(1, round(self._between * self._reserved / 2)))
