"""The processes that train jobs side by side, seen from the one that starts them."""

import contextlib
import json
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, Literal, cast

from steelsight.training.epochs import TrainingJob
from steelsight.training.threads import environment
from steelsight.training.worker import Orders

_PATIENCE = 20.0  # seconds for a worker to leave its step and its files in good order
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv.pop()); from steelsight.training.worker import main; main()"
)

WorkerMessage = dict[str, Any]


@dataclass(eq=False)
class Worker:
    """A process and the job that it is at.

    Attributes:
        job: None while it waits for one.
        said: the last line of its standard error.
        gone: its answers have ended.
    """

    process: subprocess.Popen[str]
    stdin: IO[str]
    job: TrainingJob | None = None
    said: str = ""
    gone: bool = False

    def order(self, **order: Any) -> None:
        with contextlib.suppress(OSError):  # it has died; the end of its answers tells so
            self.stdin.write(json.dumps(order) + "\n")
            self.stdin.flush()

    def why_it_ended(self) -> str:
        """What became of a worker whose answers end."""
        status = self.process.wait()
        if status > 128:  # as shells have it, and as the worker ends by itself when it is asked to
            status = 128 - status
        if status >= 0:
            return f"its process ended with status {status}{f': {self.said}' if self.said else ''}"
        name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
        reason = ", as the system does if memory runs out" if name == "SIGKILL" else ""
        return f"its process was ended by {name}{reason}; when the run is resumed it goes on from its last epoch"


class Workers:
    """Starts workers and hears them; none of them outlives the `with` block, nor this process however it ends."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._answers: queue.SimpleQueue[tuple[Worker, WorkerMessage | None]] = queue.SimpleQueue()
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
                env=environment(self._orders.threads),
                encoding="utf-8",
                errors="replace",
            )
        stdin, stdout, stderr = (cast(IO[str], stream) for stream in (process.stdin, process.stdout, process.stderr))
        worker = Worker(process, stdin)
        self._all.append(worker)
        worker.order(**vars(self._orders))
        said = threading.Thread(target=self._keep, args=(worker, stderr), daemon=True)
        said.start()
        threading.Thread(target=self._hear, args=(worker, stdout, said), daemon=True).start()
        return worker

    def give(self, worker: Worker, job: TrainingJob, what: Literal["train", "time"] = "train") -> None:
        """Give a worker its next job."""
        worker.job = job
        worker.order(**{what: [job.member.name, job.fold]})
        if worker.gone:  # died between two jobs
            self._answers.put((worker, None))

    def dismiss(self, worker: Worker) -> None:
        """Let a worker without a job end."""
        with contextlib.suppress(OSError):
            worker.stdin.close()

    def answers(self) -> Iterator[tuple[Worker, WorkerMessage]]:
        """What the workers tell, until nobody asks any more; `{"said": line}` from their standard error, `{"ended": reason}`
        where one with a job is gone."""
        while True:
            try:
                worker, answer = self._answers.get(timeout=1.0)  # without one, Ctrl-C would not be heard everywhere
            except queue.Empty:
                continue
            if answer is not None:
                yield worker, answer
                continue
            if worker.job is not None or not worker.gone:
                worker.gone = True
                yield worker, {"ended": worker.why_it_ended()}

    def _hear(self, worker: Worker, stream: IO[str], said: threading.Thread) -> None:
        for line in stream:
            with contextlib.suppress(ValueError):  # a last line that a kill has cut short
                self._answers.put((worker, json.loads(line)))
        said.join()
        self._answers.put((worker, None))

    def _keep(self, worker: Worker, stream: IO[str]) -> None:
        for line in filter(str.strip, stream):
            worker.said = line.rstrip()
            self._answers.put((worker, {"said": worker.said}))


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
