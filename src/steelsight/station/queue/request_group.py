"""The images of one request, which are logged all or none."""

import threading
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

One = TypeVar("One")


class RequestGroup(Generic[One]):
    """Collects the results of one request until all are there, or one fails; any number of threads may use it.

    Args:
        count: how many they are.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._there: list[tuple[Future[Any], One]] = []
        self._error: Exception | None = None
        self._lock = threading.Lock()

    def finish(self, future: "Future[Any]", one: One) -> list[One]:
        """Add a result, whose sender holds the future; gives all with the last one, until then none."""
        with self._lock:
            error = self._error
            if error is None:
                self._there.append((future, one))
                if len(self._there) < self._count:
                    return []
                whole, self._there = [one for _, one in self._there], []
                return whole
        future.set_exception(error)
        return []

    def fail(self, error: Exception) -> None:
        """Another one has failed: those that are here fail with it, and so do those that come."""
        with self._lock:
            self._error = self._error or error
            there, self._there = self._there, []
        for future, _ in there:
            if not future.done():
                future.set_exception(error)
