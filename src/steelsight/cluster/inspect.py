"""Judging images on the nodes of a cluster, one inspector per actor; what comes out has the order of what went in."""

import time
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from steelsight.cascade.judge import Prediction
from steelsight.cascade.sources import Source
from steelsight.cluster.check_nodes import CheckedNodes, keep_off
from steelsight.cluster.connect import first_line
from steelsight.cluster.inspect_actor import Image, InspectorActor, with_size
from steelsight.cluster.nodes import Needs, Node, nodes_of
from steelsight.cluster.shipped import pack
from steelsight.core.cores import on_all_cores
from steelsight.core.errors import UserError
from steelsight.imaging.object_store import StoredObject
from steelsight.imaging.read import ImageError, read_content
from steelsight.version import __version__

RETRIES = 3
"""How often a group of images goes to another inspector after its own was lost."""
_THREADS = 4  # of an inspector: each holds the networks once
_BATCHES = 8  # of a group for each thread: what travels at once
_BATCHES_WITH_PIXELS = 2  # where images come back as well, which are a thousand times as large
_AHEAD = 2  # groups that an inspector has at hand
_WINDOW = 4  # groups for each inspector that may be done before an earlier one is
_READERS = 8  # threads that look for images, or read them where they are shipped
_LOOK_EVERY = 2.0  # seconds between two looks at the nodes
_PAUSE = 0.2  # seconds, where there is nothing to hear
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
        UserError: a node has another steelsight when this begins; no node can judge; or a group of images could not be judged
            on two nodes, or was lost with its inspector again and again.
    """
    nodes = nodes_of(ray)
    if config.cuda and not any(node.gpus for node in nodes):
        raise UserError("`device=cuda`: no node of the cluster has a GPU, as far as Ray knows; use `device=cpu`")
    threads = config.threads or min([_THREADS, *(int(node.cpus) for node in nodes)])
    needs = Needs(threads, 1.0 if config.cuda else 0.0, _MEMORY)
    if nodes and not any(node.takes(needs) for node in nodes):
        gpu = " and a GPU" if config.cuda else ""
        raise UserError(
            f"`threads={threads}`: no node of the cluster has so many processors{gpu}, and {_MEMORY / 1e9:.0f} GB of memory, "
            "for an inspector; give fewer `threads=`, or add a larger node"
        )
    checked = CheckedNodes(ray)
    for note in checked.require([node for node in nodes if node.takes(needs)]):
        say(note)
    packed = pack(ray, folder, [path for path in sorted(folder.rglob("*")) if path.is_file()], fingerprint)
    actor = ray.remote(InspectorActor)

    def make(where: Mapping[str, Any]) -> Any:
        options = {**needs.options(), **where, "max_restarts": 0, "max_task_retries": 0}
        return actor.options(**options).remote(packed, config.cuda, threads, config.pixels)

    yield from _Pool(ray, make, needs, checked, config, sources, threads, say).judged()


@dataclass(eq=False)
class _Group:
    """Images that are judged one behind the other by one inspector."""

    number: int
    images: list[Image]
    lost: int = 0
    failed_on: str | None = None


@dataclass(eq=False)
class _Pool:
    """Inspectors, the groups that they are at, and what is done before its turn."""

    ray: Any
    make: Any
    needs: Needs
    checked: CheckedNodes
    config: InspectionConfig
    sources: Sequence[Source]
    threads: int
    say: Any
    _actors: list[Any] = field(default_factory=list)
    _kept_off: dict[Any, Collection[str]] = field(default_factory=dict)
    _on: dict[Any, str] = field(default_factory=dict)
    _asked: dict[Any, tuple[Any, _Group | None]] = field(default_factory=dict)
    _ready: list[Any] = field(default_factory=list)
    _again: deque[_Group] = field(default_factory=deque)
    _done: dict[int, list[Prediction]] = field(default_factory=dict)
    _next: int = 0
    _unopened: int = 0
    _nodes: tuple[Node, ...] = ()
    _looked: float = float("-inf")
    _told: Collection[str] | None = None

    def judged(self) -> Iterator[Prediction]:
        groups = self._groups()
        self._count = -(-len(self.sources) // self._size)
        try:
            while self._next < self._count:
                self._staff()
                self._give_out(groups)
                if not self._asked:  # until the nodes have answered
                    time.sleep(_PAUSE)
                    continue
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
            self._look_at_nodes()
        room = sum(node.takes(self.needs) for node in self.checked.fit(self._nodes))
        if not self._nodes:
            room = 1  # so that a cluster that can grow does
        while len(self._actors) < min(room, self._count - self._next):
            kept_off = self.checked.unfit(self._nodes)
            actor = self.make(keep_off(kept_off))
            self._actors.append(actor)
            self._kept_off[actor] = kept_off
            self._asked[actor.open.remote(__version__)] = actor, None

    def _look_at_nodes(self) -> None:
        """Which there are, and whether those that have joined are fit.

        Raises:
            UserError: none is.
        """
        nodes = nodes_of(self.ray)
        self._nodes, self._looked = tuple(node for node in nodes if node.takes(self.needs)), time.monotonic()
        for note in self.checked.look(self._nodes):
            self.say(note)
        self.checked.require_one(self._nodes)
        fit = {node.id for node in self.checked.fit(self._nodes)}
        self._drop({one for one in self._actors if one not in self._on and fit & set(self._kept_off[one])})
        there = {node.id for node in nodes}
        if not self._nodes and there != self._told:
            self._told = there
            self.say(
                f"waiting: no node of the cluster has the {self.needs} that an inspector takes; judging begins when one joins"
            )

    def _give_out(self, groups: Iterator[_Group]) -> None:
        most = self._next + _WINDOW * max(1, len(self._actors))
        for group in list(self._again):
            if (actor := self._one_for(group)) is not None:
                self._again.remove(group)
                self._give(actor, group)
        while self._ready:
            at_work = len(self._done) + len(self._again)
            at_work += sum(group is not None for _, group in self._asked.values())
            if self._next + at_work >= most or (found := next(groups, None)) is None:
                return
            self._give(self._ready[0], found)

    def _one_for(self, group: _Group) -> Any:
        """An inspector that is ready, on another node than the one where a group has failed as long as there is one."""
        elsewhere = {actor for actor in self._actors if self._on.get(actor) != group.failed_on}
        return next((actor for actor in self._ready if actor in elsewhere or not elsewhere), None)

    def _give(self, actor: Any, group: _Group) -> None:
        self._ready.remove(actor)
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
        self._on[actor] = message.get("node", self._on.get(actor, ""))
        if "unfit" in message:
            self._leave_out(actor, group, message["unfit"])
            return
        if group is None:
            self._unopened = 0
            self._ready += [actor] * _AHEAD
            return
        if actor in self._actors:
            self._ready.append(actor)
        if "unanswered" in message:
            self._try_again(group, message["unanswered"])
            return
        if "failed" in message:
            self._fail(group, self._on.get(actor), message["failed"])
            return
        self._done[group.number] = [with_size(one) for one in message["judged"]]

    def _dismiss(self, actors: Collection[Any]) -> None:
        for actor in actors:
            self.ray.kill(actor)
        self._actors = [one for one in self._actors if one not in actors]
        self._ready = [one for one in self._ready if one not in actors]

    def _leave_out(self, actor: Any, group: _Group | None, why: str) -> None:
        """A node cannot judge: what its inspectors have at hand goes to those of others."""
        node = self._on.get(actor, "")
        for note in self.checked.leave_out(node, why):
            self.say(note)
        self._put_back(*([] if group is None else [group]))
        self._drop({one for one in self._actors if self._on.get(one) == node})
        self.checked.require_one(self._nodes)

    def _drop(self, actors: Collection[Any]) -> None:
        """End inspectors, and give what they have at hand to others."""
        self._put_back(*(group for one, group in self._asked.values() if one in actors and group is not None))
        self._asked = {ref: asked for ref, asked in self._asked.items() if asked[0] not in actors}
        self._dismiss(actors)

    def _fail(self, group: _Group, node: str | None, why: str) -> None:
        """A group could not be judged. It may be for what the node lacks, so another one tries once more."""
        if group.failed_on is not None or not any(self._on.get(actor) != node for actor in self._actors):
            raise UserError(why)
        self.say(f"{why}; these images are tried once more, on another node")
        group.failed_on = node
        self._put_back(group)

    def _put_back(self, *groups: _Group) -> None:
        self._again = deque(sorted((*self._again, *groups), key=lambda one: one.number))

    def _lose(self, actor: Any, group: _Group | None, error: Exception) -> None:
        """An inspector is gone: what it had at hand goes to others."""
        self._dismiss([actor])  # where an answer alone was lost, it would go on
        if group is None:
            self._looked = float("-inf")  # a node that has joined since may not be able to make one
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
        self._put_back(group)
