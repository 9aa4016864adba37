"""The processes that train jobs side by side, seen from the one that starts them."""

import contextlib
import json
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any, Literal, cast

from steelsight.training.epochs import TrainingJob
from steelsight.training.slots import Slot, next_slot, rank_environments
from steelsight.training.threads import environment
from steelsight.training.worker import Orders

_PATIENCE = 20.0  # seconds for a worker to leave its step and its files in good order
_RANK_PATIENCE = 5.0  # for the first of several to tell by itself what went wrong
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv.pop()); from steelsight.training.worker import main; main()"
)

WorkerMessage = dict[str, Any]


@dataclass(eq=False)
class Worker:
    """A process and the job that it is at; several of them where devices train a job together, of which the first answers.

    Attributes:
        slot: where it is, by its place among the slots.
        job: None while it waits for one.
        said: the last line of its standard error.
        gone: its answers have ended.
    """

    processes: list[subprocess.Popen[str]]
    slot: int
    job: TrainingJob | None = None
    said: str = ""
    gone: bool = False
    over: bool = False
    fallen: subprocess.Popen[str] | None = None
    """The one whose end took the others along."""

    def order(self, **order: Any) -> None:
        for process in self.processes:
            stdin = cast(IO[str], process.stdin)
            with contextlib.suppress(OSError):  # it has died; the end of its answers tells so
                stdin.write(json.dumps(order) + "\n")
                stdin.flush()

    def end(self) -> None:
        """No more orders."""
        for process in self.processes:
            with contextlib.suppress(OSError):
                cast(IO[str], process.stdin).close()

    def why_it_ended(self) -> str:
        """What became of a worker whose answers end."""
        status = (self.fallen or self.processes[0]).wait()
        if status > 128:  # as shells have it, and as the worker ends by itself when it is asked to
            status = 128 - status
        if status >= 0:
            return f"its process ended with status {status}{f': {self.said}' if self.said else ''}"
        name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
        reason = ", as the system does if memory runs out" if name == "SIGKILL" else ""
        return f"its process was ended by {name}{reason}; when the run is resumed it goes on from its last checkpoint"


class Workers:
    """Starts workers and hears them; none of them outlives the `with` block, nor this process however it ends."""

    def __init__(self, orders: Orders, slots: Sequence[Slot]) -> None:
        self._orders, self._slots = orders, slots
        self._answers: queue.SimpleQueue[tuple[Worker, WorkerMessage | None]] = queue.SimpleQueue()
        self._all: list[Worker] = []

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        """End all, in good order where they can: a job that was stopped goes on from its last checkpoint."""
        processes = [process for worker in self._all for process in worker.processes]
        for process in processes:
            process.terminate()
        try:
            for process in processes:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_PATIENCE)
        finally:  # who presses Ctrl-C again does not want to wait
            for process in processes:
                process.kill()
                process.wait()

    def start(self) -> Worker:
        """A new worker in a free slot, which has no job yet."""
        slot = next_slot(self._slots, [worker.slot for worker in self._all if not worker.gone])
        worker = Worker([], slot)
        self._all.append(worker)
        with _without_ctrl_c():
            for changes in rank_environments(self._orders.device, self._slots[slot]):
                worker.processes.append(self._process(environment(self._orders.threads) | changes))
        worker.order(**vars(self._orders))
        said = [self._thread(self._keep, worker, process) for process in worker.processes]
        self._thread(self._hear, worker, said)
        for process in worker.processes[1:]:
            self._thread(self._watch, worker, process)
        return worker

    @staticmethod
    def _process(variables: dict[str, str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-P", "-c", _START, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=variables,
            encoding="utf-8",
            errors="replace",
        )

    @staticmethod
    def _thread(target: Callable[..., None], *arguments: object) -> threading.Thread:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        thread.start()
        return thread

    def give(self, worker: Worker, job: TrainingJob, what: Literal["train", "time"] = "train") -> None:
        """Give a worker its next job."""
        worker.job = job
        worker.order(**{what: [job.member.name, job.fold]})
        if worker.gone:  # died between two jobs
            self._answers.put((worker, None))

    def dismiss(self, worker: Worker) -> None:
        """Let a worker without a job end, and free its slot."""
        worker.end()
        for process in worker.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE)
        worker.gone = True

    def answers(self) -> Iterator[tuple[Worker, WorkerMessage]]:
        """What the workers tell, see `hear`, until nobody asks any more."""
        while True:
            if (heard := self.hear(1.0)) is not None:  # for ever, Ctrl-C would not be heard everywhere
                yield heard

    def hear(self, seconds: float) -> tuple[Worker, WorkerMessage] | None:
        """What a worker tells within so many seconds; `{"said": line}` from its standard error, `{"ended": reason}` where one
        with a job is gone."""
        try:
            worker, answer = self._answers.get(timeout=seconds)
        except queue.Empty:
            return None
        if answer is not None:
            return worker, answer
        if worker.job is not None or not worker.gone:
            worker.gone = True
            return worker, {"ended": worker.why_it_ended()}
        return None

    def _hear(self, worker: Worker, said: list[threading.Thread]) -> None:
        for line in cast(IO[str], worker.processes[0].stdout):
            with contextlib.suppress(ValueError):  # a last line that a kill has cut short
                self._answers.put((worker, json.loads(line)))
        worker.over = True
        for process in worker.processes[1:]:
            process.kill()
        for thread in said:
            thread.join()
        self._answers.put((worker, None))

    def _watch(self, worker: Worker, other: subprocess.Popen[str]) -> None:
        """Where one of several that train together ends, the first may wait for it for ever."""
        other.wait()
        if worker.over:
            return
        try:
            worker.processes[0].wait(_RANK_PATIENCE)
        except subprocess.TimeoutExpired:
            worker.fallen = worker.fallen or other
            worker.processes[0].kill()

    def _keep(self, worker: Worker, process: subprocess.Popen[str]) -> None:
        for line in filter(str.strip, cast(IO[str], process.stderr)):
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
