"""Checkpoints written beside the training, and only as often as they pay."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch

from steelsight.training.checkpoint import Checkpoint

LEAST_SECONDS = 120.0
"""Between two checkpoints: what a kill costs at most, beside the epoch that it meets."""
MOST_SHARE = 0.02
"""Of the time, that copying and writing may take."""


class CheckpointWriter:
    """Writes the checkpoints of a job from a thread, one at a time, each whole or not at all.

    The first one when it is asked for, the next ones when `LEAST_SECONDS` have passed and the last one has taken no more than
    `MOST_SHARE` of the time since.
    """

    def __init__(self, path: Path, least: float = LEAST_SECONDS) -> None:
        self._path, self._least = path, least
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._writing: Future[float] | None = None
        self._began, self._took = float("-inf"), 0.0

    def is_due(self) -> bool:
        """Whether it pays to write one now."""
        if self._writing is not None and not self._writing.done():
            return False
        self.wait()
        return time.monotonic() - self._began >= max(self._least, self._took / MOST_SHARE)

    def write(self, state: Checkpoint) -> None:
        """Copy a state, and begin to write the copy: what training does next to its tensors does not change it.

        Raises:
            UserError: the last one could not be written.
        """
        self.wait()
        self._began = time.monotonic()
        copied = Checkpoint(**(vars(state) | {"model": _copied(state.model), "optimiser": _copied(state.optimiser)}))
        copying = time.monotonic() - self._began
        self._writing = self._pool.submit(self._save, copied, copying)

    def wait(self) -> None:
        """Until what was begun is on the disk.

        Raises:
            UserError: it could not be written.
        """
        if self._writing is not None:
            writing, self._writing = self._writing, None
            self._took = writing.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True)
        if error is None:
            self.wait()

    def _save(self, state: Checkpoint, copying: float) -> float:
        started = time.monotonic()
        state.save(self._path)
        return copying + time.monotonic() - started


def _copied(state: Any) -> Any:
    """The same with every tensor copied to main memory."""
    match state:
        case torch.Tensor():
            return state.detach().to("cpu", copy=True)
        case dict():
            return {name: _copied(value) for name, value in state.items()}
        case list() | tuple():
            return type(state)(_copied(value) for value in state)
        case _:
            return state
