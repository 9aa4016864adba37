"""Threads for what a slow share may hold up: each does one thing after the other, and tells the loop when it is done."""

import threading
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

Done = TypeVar("Done")
Events = SimpleQueue[Callable[[], None]]
"""What the loop has to hear of, as functions that it calls; anyone may put one in, signal handlers included."""


class Worker:
    """A thread that does what it is given, in order. It never keeps a process from ending: what hangs is left hanging."""

    def __init__(self, name: str, events: Events) -> None:
        self.busy = 0
        """How many things it was given that the loop has not heard of."""
        self._events = events
        self._given: SimpleQueue[Callable[[], Callable[[], None]]] = SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def give(self, do: Callable[[], Done], then: Callable[[Done | Exception], None]) -> None:
        """Have something done; the loop calls `then` with what it returned or raised."""
        self.busy += 1

        def work() -> Callable[[], None]:
            try:
                done: Done | Exception = do()
            except Exception as error:
                done = error
            return partial(self._tell, partial(then, done))

        self._given.put(work)

    def _tell(self, then: Callable[[], None]) -> None:
        self.busy -= 1
        then()

    def _run(self) -> None:
        while True:
            self._events.put(self._given.get()())
