"""The processes that train jobs side by side, seen from the one that starts them."""

import contextlib
import json
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any

from steelsight.training.fit import Job
from steelsight.training.threads import environment
from steelsight.training.worker import Orders

_PATIENCE = 20.0  # seconds for a worker to leave its step and its files in good order
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv.pop()); from steelsight.training.worker import main; main()"
)
_KEPT_LINES = 40  # of what a worker said last on standard error

Answer = dict[str, Any]


@dataclass(eq=False)
class Worker:
    """A process and the job that it is at.

    Attributes:
        job: None while it waits for one.
        said: the last lines of its standard error.
    """

    process: subprocess.Popen[str]
    job: Job | None = None
    said: list[str] = field(default_factory=list)

    def order(self, **order: Any) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):  # it has died; the end of its answers tells so
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()

    def why_it_ended(self) -> str:
        """What became of a worker whose answers end."""
        status = self.process.wait()
        if status >= 0:
            return f"its process ended with status {status}{': ' + self.said[-1] if self.said else ''}"
        name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
        reason = ", as the system does where memory runs out" if name == "SIGKILL" else ""
        return f"its process was ended by {name}{reason}"


class Workers:
    """Starts workers and hears them; none of them outlives the `with` block, nor this process however it ends."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._answers: queue.SimpleQueue[tuple[Worker, Answer | None]] = queue.SimpleQueue()
        self._all: list[Worker] = []

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        """End all, in good order where they can: a job that was stopped goes on from its last epoch."""
        for worker in self._all:
            worker.process.terminate()
        try:
            for worker in self._all:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    worker.process.wait(_PATIENCE)
        finally:  # who presses Ctrl-C again does not want to wait
            for worker in self._all:
                worker.process.kill()
                worker.process.wait()

    def start(self) -> Worker:
        """A new worker, which has no job yet."""
        with _without_ctrl_c():
            process = subprocess.Popen(
                [sys.executable, "-P", "-c", _START, json.dumps(sys.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment(self._orders.threads) if self._orders.device == "cpu" else None,
                encoding="utf-8",
                errors="replace",
            )
        worker = Worker(process)
        self._all.append(worker)
        worker.order(**vars(self._orders))
        said = threading.Thread(target=_keep, args=(process.stderr, worker.said), daemon=True)
        said.start()
        threading.Thread(target=self._hear, args=(worker, said), daemon=True).start()
        return worker

    def train(self, worker: Worker, job: Job) -> None:
        """Give a worker its next job."""
        worker.job = job
        worker.order(train=[job.member.name, job.fold])

    def dismiss(self, worker: Worker) -> None:
        """Let a worker without a job end."""
        worker.order(end=True)
        worker.process.wait()
        self._all.remove(worker)

    def answers(self) -> Iterator[tuple[Worker, Answer]]:
        """What the workers tell, until nobody asks any more; `{"ended": reason}` where one with a job is gone."""
        while True:
            try:
                worker, answer = self._answers.get(timeout=1.0)  # without one, Ctrl-C would not be heard everywhere
            except queue.Empty:
                continue
            if answer is not None:
                yield worker, answer
            elif worker.job is not None:
                self._all.remove(worker)
                yield worker, {"ended": worker.why_it_ended()}

    def _hear(self, worker: Worker, said: threading.Thread) -> None:
        assert worker.process.stdout is not None
        for line in worker.process.stdout:
            with contextlib.suppress(ValueError):  # a last line that a kill has cut short
                self._answers.put((worker, json.loads(line)))
        said.join()
        self._answers.put((worker, None))


def _keep(stream: IO[str], lines: list[str]) -> None:
    for line in stream:
        lines.append(line.rstrip())
        del lines[:-_KEPT_LINES]


@contextlib.contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Start a process that Ctrl-C in a terminal does not reach from its first moment on; here it is heard right after."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)
