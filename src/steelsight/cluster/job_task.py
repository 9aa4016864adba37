"""What a worker does with a job: trains it in a folder of its own, tells what happens, and sends back what it makes.

It needs nothing of the driver's disk. The messages are those of `training/worker.py`, with `{"begun": host, "node": id}`
first, `{"file": name, ...}` for what travels (`files_back.py`), `{"checkpoint": true}` behind one that has arrived whole, and
`{"unfit": sentence}` where the node lacks what the job needs: images, weights, room. They come as lists of what there was to
tell (`parcels.py`).
"""

import queue
import shutil
import socket
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from steelsight.cluster.check_nodes import another_steelsight
from steelsight.cluster.described_run import write_description
from steelsight.cluster.files_back import Message, sent
from steelsight.cluster.nodes import Needs, Node, this_node
from steelsight.cluster.once_a_driver import once_a_driver
from steelsight.cluster.parcels import Parcel
from steelsight.cluster.shipped import Chunk, Packed, unpack
from steelsight.core.errors import UserError
from steelsight.core.files import disk_errors, write_bytes
from steelsight.run.run import JobFolder
from steelsight.version import __version__

_LOOK_EVERY = 0.25  # seconds between two looks at whether something is to be sent

_CACHE_SHARE = 0.25  # of a node's memory, where jobs train on GPUs

_ENDS = {"done", "failed", "broken", "unfit"}


@dataclass(frozen=True)
class RunOrders:
    """What holds for all jobs of a run.

    Attributes:
        token: of the driver that gives them; steelsight: its version.
        files: what describes the RUN, by name.
        images: the folder of its images, where they are not packed.
        device: cpu or cuda; threads, workers, tensorboard: as in `steelsight.training.worker.Orders`.
        cache: bytes of decoded images that a job may keep on a processor.
        needs: what a job of each member takes of a node.
        checkpoint_every: seconds between two checkpoints that travel.
    """

    token: str
    files: Mapping[str, bytes]
    images: Path
    packed: Packed | None
    device: str
    threads: int | None
    workers: int
    cache: int
    needs: Mapping[str, Needs]
    tensorboard: bool
    checkpoint_every: float
    steelsight: str = __version__

    def trainings_on(self, node: Node | None) -> int:
        """How many jobs a node has room for at once: they share memory for what their loaders send."""
        return max([1, *(node.takes(needs) for needs in self.needs.values())]) if node else 1

    def cache_on(self, node: Node | None) -> int:
        """Bytes of decoded images that a job may keep on a node: on GPUs its share of a quarter of the memory."""
        if self.device == "cpu" or node is None:
            return self.cache
        return int(_CACHE_SHARE * node.memory) // self.trainings_on(node)


def train_job(
    orders: RunOrders, member: str, fold: int, former: Mapping[str, Chunk], start: Chunk | None
) -> Iterator[list[Message]]:
    """Train a job.

    Args:
        former: log and checkpoint that it goes on from, by name.
        start: the weights that it starts from.
    """
    import ray

    told: queue.SimpleQueue[Message] = queue.SimpleQueue()
    here = this_node(ray)
    yield [{"begun": socket.gethostname(), "node": here.id if here else ""}]
    threading.Thread(target=_train, args=(orders, member, fold, former, start, told.put), daemon=True).start()
    checkpoints, parcel = None, Parcel()
    while True:
        try:
            message = told.get(timeout=_LOOK_EVERY)
        except queue.Empty:
            message = {}
        if "images" in message:
            parcel.count(message["images"])
        elif "at" in message:
            checkpoints = _Checkpoints(JobFolder(Path(message["at"])), orders.checkpoint_every)
        elif "made" in message:
            for name, path in message["made"]:
                for piece in sent(path, name):
                    yield from parcel.add(piece)
        elif message:
            yield from parcel.add(message)
        if message.keys() & _ENDS:
            yield parcel.take()
            return
        if checkpoints is not None and checkpoints.is_due():
            for piece in checkpoints.messages():
                yield from parcel.add(piece)
        if parcel.is_due():
            yield parcel.take()


def time_job(orders: RunOrders, member: str, fold: int) -> Message:
    """Time the network of a job for a few steps: `{"timed": figures}` as of `steelsight.training.timing.Timing`, or
    `{"failed": sentence}` or `{"unfit": sentence}`."""
    from steelsight.training.job import make_job
    from steelsight.training.threads import limited_to
    from steelsight.training.timing import time_steps

    try:
        with limited_to(orders.threads):
            desk = _prepared(orders, member)
            job = make_job(desk.evidence, desk.evidence.recipe.member(member), fold, desk.reads[member])
            return {"timed": asdict(time_steps(job, desk.fabric, orders.workers, desk.trainings))}
    except _UnfitError as error:
        return {"unfit": str(error)}
    except UserError as error:
        return {"failed": str(error)}


class _Checkpoints:
    """Sees that a job's checkpoint is another than the one that was sent last.

    Args:
        every: seconds between two that are sent, at least.
    """

    def __init__(self, job: JobFolder, every: float) -> None:
        self._job, self._every = job, every
        self._sent, self._sent_at = self._mark(), time.monotonic()

    def is_due(self) -> bool:
        return time.monotonic() - self._sent_at >= self._every and self._mark() not in (None, self._sent)

    def messages(self) -> Iterator[Message]:
        """The checkpoint as it is on the disk, which the next may take the place of meanwhile; nothing where the job has just
        been done, for then all of it comes."""
        job = self._job
        checkpoint, log = (path.with_name(f".{path.name}") for path in (job.checkpoint, job.log))
        mark = self._mark()
        checkpoint.unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            checkpoint.hardlink_to(job.checkpoint)
            shutil.copyfile(job.log, log)  # behind the checkpoint: it may have more epochs, never fewer
            for copy, name in ((log, job.log.name), (checkpoint, job.checkpoint.name)):
                yield from sent(copy, name)
                copy.unlink()
            yield {"checkpoint": True}
            self._sent, self._sent_at = mark, time.monotonic()

    def _mark(self) -> tuple[int, int] | None:
        with suppress(FileNotFoundError):
            stat = self._job.checkpoint.stat()
            return stat.st_ino, stat.st_mtime_ns
        return None


def _train(
    orders: RunOrders,
    member: str,
    fold: int,
    former: Mapping[str, Chunk],
    start: Chunk | None,
    tell: Callable[[Message], None],
) -> None:
    """In a thread of its own, so that what is told is sent while it goes on."""
    from steelsight.training.threads import limited_to

    try:
        with limited_to(orders.threads):
            made = _trained(orders, member, fold, former, start, tell)
        tell({"made": made})
        tell({"done": True})
    except _UnfitError as error:
        tell({"unfit": str(error)})
    except UserError as error:
        tell({"failed": str(error)})
    except BaseException:
        tell({"broken": traceback.format_exc()})


def _trained(
    orders: RunOrders,
    member_name: str,
    fold: int,
    former: Mapping[str, Chunk],
    start: Chunk | None,
    tell: Callable[[Message], None],
) -> list[tuple[str, Path]]:
    """Train, and return what is to be sent."""
    from steelsight.training.allocator import give_back
    from steelsight.training.epochs import Hooks
    from steelsight.training.job import make_job, run_job

    desk = _prepared(orders, member_name)
    evidence = desk.evidence
    member = evidence.recipe.member(member_name)
    job = make_job(evidence, member, fold, desk.reads[member.name])
    predictions = evidence.run.predictions_file(member, fold)
    shutil.rmtree(job.folder.path, ignore_errors=True)
    for name, content in former.items():
        write_bytes(job.folder.path / name, content.data)
    if start is not None and job.start is not None:
        write_bytes(job.start, start.data)
    tell({"at": str(job.folder)})
    hooks = Hooks(lambda images: tell({"images": images}), lambda line: tell({"epoch": line}), orders.tensorboard)
    run_job(job, evidence, desk.fabric, orders.workers, hooks, desk.trainings)
    give_back()
    left = [path for path in sorted(job.folder.path.iterdir()) if not path.name.startswith(".")]
    return [(path.name, path) for path in (*left, predictions)]


class _UnfitError(Exception):
    """This node lacks what a job needs; another may have it."""


@dataclass(frozen=True)
class _Desk:
    """What a worker keeps from job to job of one run."""

    evidence: Any
    fabric: Any
    reads: Any
    trainings: int
    lock: Any


def _prepared(orders: RunOrders, member: str) -> _Desk:
    """All that is there before a job of a member begins.

    Raises:
        _UnfitError: something is not.
    """
    from steelsight.networks.encoders import require_weights

    host = socket.gethostname()
    if orders.steelsight != __version__:
        raise _UnfitError(another_steelsight(host, __version__, orders.steelsight))
    try:
        with disk_errors(Path(tempfile.gettempdir()), room="free some space there"):
            desk = _desk(orders)
            wanted = desk.evidence.recipe.member(member)
            if wanted.weights == "imagenet":
                require_weights(wanted.encoder, member)
    except UserError as error:
        raise _UnfitError(f"node {host}: {error}") from error
    return desk


@once_a_driver
def _desk(orders: RunOrders) -> _Desk:
    """Write down the RUN, find the images, and see that they are those that it began with."""
    import ray

    from steelsight.core.memory import keep_what_is_loaded
    from steelsight.imaging.read import ImageError
    from steelsight.run.predictions import OutOfFoldPredictions
    from steelsight.run.record import fingerprint
    from steelsight.training.fabric import make_fabric
    from steelsight.training.kept_images import image_readers
    from steelsight.training.same_images import seen_at

    run, lock = write_description(orders.files)
    images = orders.images if orders.packed is None else unpack(ray, orders.packed)
    evidence = seen_at(OutOfFoldPredictions.of(run), images)
    try:
        same = fingerprint(evidence.record) == evidence.record.fingerprint
    except ImageError:
        same = False
    if not same:
        raise _UnfitError(
            f"{images}: node {socket.gethostname()} does not see there the images that the run began with; mount them "
            "under this very path on every node, or let `ship_data=` bring them"
        )
    record = evidence.record
    fabric = make_fabric("cuda" if orders.device == "cuda" else "cpu", evidence.recipe)
    samples = (*record.samples, *record.without_masks)
    here = this_node(ray)
    recipe = evidence.recipe
    reads = image_readers(
        recipe.members, samples, orders.workers, orders.cache_on(here), record.roi, grey=recipe.sees_grey
    )
    keep_what_is_loaded()
    return _Desk(evidence, fabric, reads, orders.trainings_on(here), lock)
