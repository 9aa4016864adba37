"""Judging images on the nodes of a cluster, one inspector per actor; what comes out has the order of what went in."""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from steelsight.cascade.judge import Prediction
from steelsight.cascade.sources import Source
from steelsight.cluster.check_nodes import check_nodes
from steelsight.cluster.connect import first_line
from steelsight.cluster.inspect_actor import Image, InspectorActor, with_size
from steelsight.cluster.nodes import Needs, Node, nodes_of
from steelsight.cluster.shipped import pack
from steelsight.core.cores import on_all_cores
from steelsight.core.errors import UserError
from steelsight.imaging.object_store import StoredObject
from steelsight.imaging.read import ImageError, read_content

RETRIES = 3
"""How often a group of images goes to another inspector after its own was lost."""
_THREADS = 4  # of an inspector: each holds the networks once
_BATCHES = 8  # of a group for each thread: what travels at once
_BATCHES_WITH_PIXELS = 2  # where images come back as well, which are a thousand times as large
_AHEAD = 2  # groups that an inspector has at hand
_WINDOW = 4  # groups for each inspector that may be done before an earlier one is
_READERS = 8  # threads that look for images, or read them where they are shipped
_LOOK_EVERY = 2.0  # seconds between two looks at the nodes
_MEMORY = 1e9  # bytes of an inspector with its process


@dataclass(frozen=True)
class InspectionConfig:
    """How images are judged on a cluster.

    Attributes:
        cuda: whether each inspector takes a GPU.
        threads: of an inspector; four, or as many as the smallest node has, if left out.
        batch: images that are judged together, as on one machine.
        pixels: whether the images themselves come back, to be drawn over.
        ship_data: whether the images travel from here, rather than to be read by each node under their path.
        retries: how often a group of images goes to another inspector after its own was lost, or an object
            store did not answer it.
    """

    cuda: bool
    threads: int | None
    batch: int
    pixels: bool = False
    ship_data: bool = False
    retries: int = RETRIES


def inspect_on_cluster(
    ray: Any, folder: Path, fingerprint: str, sources: Sequence[Source], config: InspectionConfig, say: Any
) -> Iterator[Prediction]:
    """Judge images in their order, as `Inspector.stream` does.

    Args:
        ray: see `steelsight.cluster.connect.connected`.
        folder: of the inspector, which was checked before.
        fingerprint: as it had then; a node judges with no other.
        say: told what a user should know.

    Raises:
        UserError: a node lacks the images, or has another steelsight; or a group of images was lost with its inspector again
            and again.
    """
    nodes = nodes_of(ray)
    if config.cuda and not any(node.gpus for node in nodes):
        raise UserError("`device=cuda`: no node of the cluster has a GPU, as far as Ray knows; use `device=cpu`")
    for note in check_nodes(ray, nodes):
        say(note)
    threads = config.threads or min([_THREADS, *(int(node.cpus) for node in nodes)])
    needs = Needs(threads, 1.0 if config.cuda else 0.0, _MEMORY)
    if nodes and not any(node.takes(needs) for node in nodes):
        gpu = " and a GPU" if config.cuda else ""
        raise UserError(
            f"`threads={threads}`: no node of the cluster has so many processors{gpu}, and {_MEMORY / 1e9:.0f} GB of memory, "
            "for an inspector; give fewer `threads=`, or add a larger node"
        )
    packed = pack(ray, folder, [path for path in sorted(folder.rglob("*")) if path.is_file()], fingerprint)
    make = ray.remote(InspectorActor).options(**needs.options(), max_restarts=0, max_task_retries=0)
    pool = _Pool(ray, lambda: make.remote(packed, config.cuda, threads, config.pixels), needs, config, sources, threads)
    yield from pool.judged()


@dataclass(eq=False)
class _Group:
    """Images that are judged one behind the other by one inspector."""

    number: int
    images: list[Image]
    lost: int = 0


@dataclass(eq=False)
class _Pool:
    """Inspectors, the groups that they are at, and what is done before its turn."""

    ray: Any
    make: Any
    needs: Needs
    config: InspectionConfig
    sources: Sequence[Source]
    threads: int
    _actors: list[Any] = field(default_factory=list)
    _asked: dict[Any, tuple[Any, _Group | None]] = field(default_factory=dict)
    _ready: list[Any] = field(default_factory=list)
    _again: deque[_Group] = field(default_factory=deque)
    _done: dict[int, list[Prediction]] = field(default_factory=dict)
    _next: int = 0
    _unopened: int = 0
    _nodes: tuple[Node, ...] = ()
    _looked: float = float("-inf")

    def judged(self) -> Iterator[Prediction]:
        groups = self._groups()
        self._count = -(-len(self.sources) // self._size)
        try:
            while self._next < self._count:
                self._staff()
                self._give_out(groups)
                for ref in self.ray.wait(list(self._asked), num_returns=1, timeout=1.0)[0]:
                    self._hear(ref)
                while self._next in self._done:
                    yield from self._done.pop(self._next)
                    self._next += 1
        finally:
            for actor in self._actors:
                self.ray.kill(actor)

    @property
    def _size(self) -> int:
        """Images of a group: whole batches, made up as on one machine."""
        batches = _BATCHES_WITH_PIXELS if self.config.pixels else _BATCHES
        return self.config.batch * batches * self.threads

    def _groups(self) -> Iterator[_Group]:
        remaining, number = iter(self.sources), 0
        while group := list(islice(remaining, self._size)):
            yield _Group(number, list(on_all_cores(self._image, group, _READERS)))
            number += 1

    def _image(self, source: Source) -> Image:
        """An image that is not to be found here either is told as on one machine, and not sought on a node; one in an object
        store each node asks for itself."""
        if not self.config.ship_data and (isinstance(source.path, StoredObject) or source.path.exists()):
            return source.image_id, str(source.path), None
        try:
            return source.image_id, str(source.path), read_content(source.path)
        except ImageError as error:
            return source.image_id, str(source.path), str(error).removeprefix(f"{source.path}: ")

    def _staff(self) -> None:
        """As many inspectors as there is room for: a node that has joined gets its own."""
        if time.monotonic() - self._looked > _LOOK_EVERY:
            self._nodes, self._looked = nodes_of(self.ray), time.monotonic()
        room = sum(node.takes(self.needs) for node in self._nodes)
        while len(self._actors) < min(max(1, room), self._count - self._next):
            actor = self.make()
            self._actors.append(actor)
            self._asked[actor.open.remote()] = actor, None

    def _give_out(self, groups: Iterator[_Group]) -> None:
        most = self._next + _WINDOW * max(1, len(self._actors))
        while self._ready:
            if self._again:
                group = self._again.popleft()
            else:
                at_work = len(self._done) + sum(group is not None for _, group in self._asked.values())
                if self._next + at_work >= most or (found := next(groups, None)) is None:
                    return
                group = found
            actor = self._ready.pop(0)
            self._asked[actor.judge.remote(group.images)] = actor, group

    def _hear(self, ref: Any) -> None:
        actor, group = self._asked.pop(ref)
        try:
            message = self.ray.get(ref)
        except self.ray.exceptions.RayTaskError:
            raise
        except self.ray.exceptions.RayError as error:
            self._lose(actor, group, error)
            return
        if "failed" in message or "no_data" in message:
            raise UserError(message.get("failed") or message["no_data"])
        if group is None:
            self._unopened = 0
            self._ready += [actor] * _AHEAD
            return
        if actor in self._actors:
            self._ready.append(actor)
        if "unanswered" in message:
            self._try_again(group, message["unanswered"])
            return
        self._done[group.number] = [with_size(one) for one in message["judged"]]

    def _lose(self, actor: Any, group: _Group | None, error: Exception) -> None:
        """An inspector is gone: what it had at hand goes to others."""
        self.ray.kill(actor)  # where an answer alone was lost, it would go on
        self._actors = [one for one in self._actors if one is not actor]
        self._ready = [one for one in self._ready if one is not actor]
        if group is None:
            self._unopened += 1
            if self._unopened > self.config.retries:
                raise UserError(
                    f"{self._unopened} inspectors were lost while they were opened, the last one so: {first_line(error)}; "
                    "give each more memory by fewer processors on a node, or add a larger node"
                )
            return
        first, last = group.images[0][1], group.images[-1][1]
        self._try_again(
            group,
            f"{first} to {last}: {group.lost + 1} inspectors were lost with these images, the last one so: "
            f"{first_line(error)}; what is finished is kept, and `resume=` goes on; leave out what may be too large for the "
            "nodes, or give more `retries=`",
        )

    def _try_again(self, group: _Group, why: str) -> None:
        """Let another inspector judge a group, unless that has happened too often."""
        group.lost += 1
        if group.lost > self.config.retries:
            raise UserError(why)
        self._again.append(group)
        self._again = deque(sorted(self._again, key=lambda one: one.number))
