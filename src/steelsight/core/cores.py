"""The cores that this process may use, and work in order on all of them."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_AHEAD = 4  # items for each thread that are done or at work before the first of them is asked for


def cores() -> int:
    """Cores that this process may use: those it is bound to, and no more than its control group's share of time."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(bound, _granted()))


def on_all_cores(function: Callable[[T], R], items: Iterable[T], threads: int | None = None) -> Iterator[R]:
    """`map` by as many threads as there are cores, for functions that spend their time outside of Python.

    Only a few results wait at a time. If the caller stops asking, the work stops.

    >>> list(on_all_cores(abs, [-3, 2, -1]))
    [3, 2, 1]
    """
    threads = threads or cores()
    if threads == 1:
        yield from map(function, items)
        return
    pool = ThreadPoolExecutor(threads)
    waiting: deque[Future[R]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= _AHEAD * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _granted(root: Path = Path("/sys/fs/cgroup")) -> int:
    """Cores' worth of time that a control group grants, of version 2 or 1; many where it limits nothing."""
    with suppress(OSError, ValueError):
        quota, period = (root / "cpu.max").read_text().split()
        return max(1, int(quota) // int(period))
    with suppress(OSError, ValueError):
        quota_us, period_us = (int((root / "cpu" / f"cpu.cfs_{name}_us").read_text()) for name in ("quota", "period"))
        return max(1, quota_us // period_us) if quota_us > 0 else 2**16
    return 2**16
