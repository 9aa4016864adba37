"""The histograms that `decide` needs, made on the nodes of a cluster: as `steelsight.selection.histograms` makes them here.

A block of a fold's images travels with the stored maps of just these, compressed as they lie in the RUN, so that nodes share
no disk and keep nothing, and each map travels once for all choices that it is in.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steelsight.cluster.check_nodes import CheckedNodes, keep_off
from steelsight.cluster.connect import first_line
from steelsight.cluster.described_run import read_description
from steelsight.cluster.histogram_task import CountOrders, count_block
from steelsight.cluster.nodes import Needs, Node, nodes_of, within
from steelsight.cluster.shipped import Chunk
from steelsight.core.errors import UserError
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.run.stored_maps import SHARD, shard_files
from steelsight.selection.histograms import Pass

RETRIES = 3
"""How often a block goes to another worker after its own was lost."""
_BLOCK = 2 * SHARD  # images of a block
_AHEAD = 2  # blocks that a processor has at hand
_LOOK_EVERY = 2.0  # seconds between two looks at the nodes
_MEMORY = 1e9  # bytes of a worker with its process

Counts = list[NDArray[np.uint32]]


def count_on_cluster(
    ray: Any,
    evidence: OutOfFoldPredictions,
    passes: Sequence[Pass],
    tick: Callable[[int], None],
    retries: int,
    say: Callable[[str], None],
) -> Iterator[Counts]:
    """Make passes, see `steelsight.selection.histograms.MakeHistograms`.

    Args:
        ray: see `steelsight.cluster.connect.connected`.
        retries: how often a block goes to another worker after its own was lost.
        say: told what a user should know.

    Raises:
        UserError: all nodes have another steelsight; a map is damaged, or a block was lost with its
            worker again and again.
    """
    checked = CheckedNodes(ray)
    # a training that ends with this has left some out before
    for note in checked.require(nodes_of(ray), leave_out=True):
        say(note)
    yield from _Driver(ray, evidence, passes, tick, retries, checked, say).made()


@dataclass(frozen=True)
class _Block:
    """Images of a pass, by their rows in its fold."""

    number: int
    rows: slice
    count: int
    refused: int = 0


@dataclass(eq=False)
class _Driver:
    """Gives blocks out and puts what comes back in its place."""

    ray: Any
    evidence: OutOfFoldPredictions
    passes: Sequence[Pass]
    tick: Callable[[int], None]
    retries: int
    checked: CheckedNodes
    say: Callable[[str], None]
    _tasks: dict[Any, _Block] = field(default_factory=dict)
    _nodes: tuple[Node, ...] = ()
    _kept_off: Collection[str] = ()
    _is_told: bool = False
    _counts: dict[int, Counts] = field(default_factory=dict)
    _room: int = 1
    _looked: float = float("-inf")

    def made(self) -> Iterator[Counts]:
        self._orders = self.ray.put(CountOrders(os.urandom(8).hex(), read_description(self.evidence.run)))
        blocks = self._waiting = deque(self._blocks())
        left = [sum(block.count for block in blocks if block.number == number) for number in range(len(self.passes))]
        try:
            for number, one in enumerate(self.passes):
                while left[number]:
                    self._give_out(blocks)
                    for ref in self.ray.wait(list(self._tasks), num_returns=1, timeout=1.0)[0]:
                        if (block := self._hear(ref)) is not None:
                            left[block.number] -= block.count
                yield self._counts.pop(number) if number in self._counts else self._empty(one)
        finally:
            for ref in self._tasks:
                self.ray.cancel(ref, force=True)

    def _blocks(self) -> Iterator[_Block]:
        for number, one in enumerate(self.passes):
            images = len(self.evidence.indices(one.fold))
            for start in range(0, images, _BLOCK):
                yield _Block(number, slice(start, start + _BLOCK), min(_BLOCK, images - start))

    def _give_out(self, blocks: deque[_Block]) -> None:
        """As many blocks as there are processors, and as many again, so that none waits and a cluster that can grow does."""
        if time.monotonic() - self._looked > _LOOK_EVERY:
            self._look_at_nodes()
        options = {**self._needs.options(), **keep_off(self._kept_off)}
        task = self.ray.remote(count_block).options(**options, max_retries=self.retries)
        while blocks and len(self._tasks) < _AHEAD * self._room:
            block = blocks.popleft()
            one = self.passes[block.number]
            maps = self.ray.put(self._maps(one, block))
            indices = self.evidence.indices(one.fold)[block.rows]
            self._tasks[task.remote(self._orders, one.choices, indices, maps)] = block

    def _look_at_nodes(self) -> None:
        """Which there are, and whether those that have joined are fit; what waits takes the new ones into account."""
        self._nodes, self._looked = nodes_of(self.ray), time.monotonic()
        for note in self.checked.look(self._nodes):
            self.say(note)
        self.checked.require_one(self._nodes)
        fit = self.checked.fit(self._nodes)
        self._needs = within(Needs(memory=_MEMORY), fit)
        self._room = max(1, sum(node.takes(self._needs) for node in fit))
        kept_off = self.checked.unfit(self._nodes)
        if {node.id for node in fit} & set(self._kept_off):
            for ref, block in self._tasks.items():
                self.ray.cancel(ref, force=True)
                self._waiting.appendleft(block)
            self._tasks.clear()
        self._kept_off = kept_off
        if not self._nodes and not self._is_told:
            self._is_told = True
            self.say("waiting: no node of the cluster takes work; counting begins when one joins")

    def _maps(self, one: Pass, block: _Block) -> dict[str, Chunk]:
        """The files with the maps of a block's images, by their path in RUN/evidence."""
        around = self.evidence.run.evidence
        members = {member.name: member for choice in one.choices for member in choice.members}
        folders = [self.evidence.run.predictions_file(member, one.fold) for member in members.values()]
        return {
            file.relative_to(around).as_posix(): np.frombuffer(file.read_bytes(), np.uint8)
            for folder in folders
            for file in shard_files(folder, block.rows.start, block.rows.start + block.count)
        }

    def _hear(self, ref: Any) -> _Block | None:
        block = self._tasks.pop(ref)
        one = self.passes[block.number]
        try:
            message = self.ray.get(ref)
        except self.ray.exceptions.RayTaskError:
            if block.refused >= self.retries or not self._has_strangers():
                raise
            self._looked = float("-inf")
            self._waiting.appendleft(replace(block, refused=block.refused + 1))
            return None
        except self.ray.exceptions.RayError as error:
            raise UserError(
                f"{self.evidence.run}: {self.retries + 1} workers were lost while they counted images of fold {one.fold}, "
                f"the last so: {first_line(error)}; what is finished is kept for the next `decide`; give more `retries=`, or "
                "leave out the cluster"
            ) from error
        if "unfit" in message:
            for note in self.checked.leave_out(message["node"], message["unfit"]):
                self.say(note)
            self._looked = float("-inf")
            self._waiting.appendleft(block)
            return None
        if "failed" in message:
            raise UserError(message["failed"])
        counts = self._counts.setdefault(block.number, self._empty(one))
        for total, count in zip(counts, message["counts"], strict=True):
            total[block.rows] = count
        self.tick(block.count)
        return block

    def _has_strangers(self) -> bool:
        """Whether a node that cannot load steelsight may have joined since a block was given."""
        self._look_at_nodes()
        return bool(self._kept_off)

    def _empty(self, one: Pass) -> Counts:
        shape = (len(self.evidence.indices(one.fold)), len(self.evidence.record.classes), 2, 256)
        return [np.empty(shape, np.uint32) for _ in one.choices]
