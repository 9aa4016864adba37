"""A process that trains jobs for the one that started it, and ends when that one does.

Orders come on standard input, one JSON object a line: first who it works for (`Orders`), then `{"train": [member, fold]}` or
`{"time": [member, fold]}` for each job. Where they end, the process does. What happens goes to standard output likewise:
`{"ready": true}` once, `{"images": n}` after each step, `{"epoch": line}`, then `{"done": true}`, `{"timed": figures}`,
`{"taken": true}` where another training is at the job, or `{"failed": sentence}`; `{"broken": traceback}` where no user could
have caused it. Nothing is pickled.

Several processes may train a job together. All get the same orders, the first one answers, and where a job fails all of them
end, since the others may wait for one within a step.
"""

import json
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from steelsight.core.errors import UserError
from steelsight.core.lock import TakenError

_MOST = 2**16  # bytes of orders read at once

Tell = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Orders:
    """What holds for all jobs of a worker.

    Attributes:
        run: the RUN folder; images: the folder of its images, wherever they were moved.
        device: cpu or cuda.
        threads: of a job on a processor; None on a GPU.
        workers: loader processes of a job.
        cache: bytes of decoded images that it may keep.
        ranks: processes that train a job together; trainings: all that train at once.
    """

    run: str
    images: str
    device: str
    threads: int | None
    workers: int
    cache: int
    ranks: int
    trainings: int
    tensorboard: bool

    def line(self) -> str:
        return json.dumps(asdict(self)) + "\n"


def main() -> None:
    """Work as long as there are orders."""
    if hasattr(signal, "pthread_sigmask"):  # Ctrl-C in a terminal is for who started this process; it ends its workers
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    signal.signal(signal.SIGTERM, _stopped)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    received: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=_listen, args=(received,), daemon=True).start()

    first = int(os.environ.get("LOCAL_RANK", "0")) == 0

    def tell(answer: dict[str, Any]) -> None:
        if not first:
            return
        try:
            answers.write(json.dumps(answer) + "\n")
        except OSError:  # nobody is there to read it
            os._exit(1)

    orders = Orders(**received.get())
    from steelsight.training.threads import limited_to

    with limited_to(orders.threads):
        _work(orders, received, tell)


def _work(orders: Orders, received: "queue.Queue[dict[str, Any]]", tell: Tell) -> None:
    from steelsight.core.memory import keep_what_is_loaded
    from steelsight.run.predictions import OutOfFoldPredictions
    from steelsight.run.run import Run
    from steelsight.training.allocator import give_back
    from steelsight.training.epochs import Hooks
    from steelsight.training.fabric import make_fabric
    from steelsight.training.job import make_job, run_job
    from steelsight.training.kept_images import image_readers
    from steelsight.training.same_images import seen_at
    from steelsight.training.timing import time_steps

    evidence = seen_at(OutOfFoldPredictions.of(Run(Path(orders.run))), Path(orders.images))
    fabric = make_fabric("cuda" if orders.device == "cuda" else "cpu", evidence.recipe, orders.ranks)
    samples = (*evidence.record.samples, *evidence.record.without_masks)
    recipe = evidence.recipe
    reads = image_readers(
        recipe.members, samples, orders.workers, orders.cache, evidence.record.roi, grey=recipe.sees_grey
    )
    hooks = Hooks(lambda images: tell({"images": images}), lambda line: tell({"epoch": line}), orders.tensorboard)
    keep_what_is_loaded()
    tell({"ready": True})
    while True:
        [(what, (name, fold))] = received.get().items()
        member = evidence.recipe.member(name)
        try:
            job = make_job(evidence, member, int(fold), reads[member.name])
            if what == "time":
                tell({"timed": asdict(time_steps(job, fabric, orders.workers, orders.trainings))})
                continue
            run_job(job, evidence, fabric, orders.workers, hooks, orders.trainings)
            tell({"done": True})
        except TakenError:
            tell({"taken": True})
        except UserError as error:
            tell({"failed": str(error)})
            if orders.ranks > 1:
                print(error, file=sys.stderr, flush=True)
                os._exit(1)
        except Exception:
            tell({"broken": traceback.format_exc()})
            if orders.ranks > 1:
                traceback.print_exc()
                os._exit(1)
        give_back()


def _listen(received: "queue.Queue[dict[str, Any]]") -> None:
    """Pass orders on. If they end, the parent has no more or is gone, and so is the reason to go on.

    Read below Python's buffers, whose lock a thread that waits here would hold while the interpreter ends.
    """
    text = b""
    while content := os.read(sys.stdin.fileno(), _MOST):
        *lines, text = (text + content).split(b"\n")
        for line in lines:
            received.put(json.loads(line))
    os._exit(0)


def _stopped(*_: object) -> None:
    raise SystemExit(128 + signal.SIGTERM)


if __name__ == "__main__":
    main()
