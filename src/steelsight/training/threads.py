"""The threads of a job on a processor: one, so that its bits depend neither on the machine nor on what runs beside it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import cv2
import torch

from steelsight.core.files import write_json
from steelsight.core.parsing import parse_json
from steelsight.run.run import Run

THREADS = 1
"""Of a job of a new run. Two jobs of one thread make more images a second than one of two, whose threads wait for each other
at every operation; and the order in which sums are added up, and so the last bits, changes with the number of threads."""

_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


def environment(threads: int | None) -> dict[str, str]:
    """The environment of a process all of whose libraries take that many threads; None: as many as they like."""
    return dict(os.environ) | (dict.fromkeys(_VARIABLES, str(threads)) if threads else {})


@contextmanager
def limited_to(threads: int | None) -> Iterator[None]:
    """Train with that many threads, None as many as there are; what this process does afterwards has those that it had."""
    if threads is None:
        yield
        return
    former = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(former[0])
        cv2.setNumThreads(former[1])


def threads_of(run: Run) -> tuple[int, bool]:
    """The threads of a run's jobs on a processor, and whether that is known: False where an earlier version began it and none
    of its jobs tells. Written down in RUN/machine.json the first time."""
    path = run.machine_file
    with suppress(OSError, ValueError, KeyError, TypeError):
        return _threads(_read(path)), True
    told = sorted(filter(None, (_told(job.done) for job in run.jobs_begun() if job.done.is_file())))
    begun = any(job.checkpoint.exists() for job in run.jobs_begun())
    threads = told[-1] if told else THREADS
    write_json(path, {"threads": threads})
    return threads, bool(told) or not begun


def _told(done: Path) -> int | None:
    """How many threads a job says that it had on a processor; None where it says nothing that can be read."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        content = _read(done)
        return _threads(content) if content["device"] == "cpu" else None
    return None


def _threads(content: Any) -> int:
    """Of a job; ValueError where it is no such number, as in a file that somebody has changed."""
    threads = int(content["threads"])
    if threads < 1:
        raise ValueError(threads)
    return threads


def _read(path: Path) -> Any:
    return parse_json(path.read_text("utf-8"))
