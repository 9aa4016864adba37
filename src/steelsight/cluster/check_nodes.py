"""Whether the nodes of a cluster have what a job or an inspector needs: each is asked before it gets its first one."""

import importlib.metadata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from steelsight.cluster.nodes import Node
from steelsight.core.errors import UserError
from steelsight.recipe import Encoder
from steelsight.version import __version__

_PATIENCE = 120.0  # seconds for all nodes to answer: each starts a process first
_OF_RESULTS = ("torch", "openvino", "numpy", "opencv-python-headless")
"""Packages whose version may change the last bits of a result."""
_LABEL = "ray.io/node-id"


@dataclass(eq=False)
class CheckedNodes:
    """Nodes by what they have answered. What lacks something when work begins is refused, so that it can be mended; what
    joins later is left out.

    Args:
        encoders: whose ImageNet weights a node must have, each with a member of the recipe that begins with them.
    """

    ray: Any
    encoders: Mapping[Encoder, str] = field(default_factory=dict)
    _fit: set[str] = field(default_factory=set)
    _asked: dict[Any, Node] = field(default_factory=dict)
    _left_out: dict[str, str] = field(default_factory=dict)

    def require(self, nodes: Sequence[Node], *, leave_out: bool = False) -> tuple[str, ...]:
        """Ask the nodes that are there when work begins; returns what a user should know of them, sentences.

        Args:
            leave_out: whether those that are not fit are left out even now.

        Raises:
            UserError: a node has no steelsight, or another one, or lacks weights.
        """
        answers = self._ask(nodes) if nodes else {}
        done, silent = [], []
        if answers:
            done, silent = self.ray.wait(list(answers), num_returns=len(answers), timeout=_PATIENCE)
        notes = [f"node {answers[one].host} has not answered within {_PATIENCE:.0f} s" for one in silent]
        for one in done:
            try:
                notes += self._heard(one, answers[one])
            except UserError as error:
                if not leave_out:
                    raise
                notes += self.leave_out(answers[one].id, str(error))
        self._fit |= {node.id for node in nodes}
        return tuple(notes)

    def look(self, nodes: Sequence[Node]) -> list[str]:
        """Ask those that have joined, wait for none, and return what is to be said of those that have answered."""
        known = {*self._fit, *self._left_out, *(node.id for node in self._asked.values())}
        if new := [node for node in nodes if node.id not in known]:
            self._asked |= self._ask(new)
        said: list[str] = []
        if not self._asked:
            return said
        for one in self.ray.wait(list(self._asked), num_returns=len(self._asked), timeout=0)[0]:
            node = self._asked.pop(one)
            try:
                said += self._heard(one, node)
                self._fit.add(node.id)
            except UserError as error:
                said += self.leave_out(node.id, str(error))
        return said

    def leave_out(self, node: str, why: str) -> list[str]:
        """Give a node no more work; returns what is to be said, once."""
        if node in self._left_out:
            return []
        self._left_out[node] = why
        return [f"{why}. The node is left out"]

    def fit(self, nodes: Sequence[Node]) -> tuple[Node, ...]:
        """Those that may have work."""
        return tuple(node for node in nodes if node.id in self._fit and node.id not in self._left_out)

    def require_one(self, nodes: Sequence[Node]) -> None:
        """See that not all nodes are left out.

        Raises:
            UserError: they are: why the first one is.
        """
        if (why := self.why_none(nodes)) is not None:
            raise UserError(why)

    def why_none(self, nodes: Sequence[Node]) -> str | None:
        """Why all nodes are left out; None where they are not, or there is none."""
        if not nodes or any(node.id not in self._left_out for node in nodes):
            return None
        return f"{self._left_out[nodes[0].id]}; no other node of the cluster can do this work"

    def unfit(self, nodes: Sequence[Node]) -> frozenset[str]:
        """Those that are left out, or have not answered yet."""
        return frozenset(node.id for node in nodes) - {node.id for node in self.fit(nodes)}

    def _ask(self, nodes: Sequence[Node]) -> dict[Any, Node]:
        strategy = self.ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        ask = self.ray.remote(num_cpus=0, max_retries=0)(what_it_has)
        return {
            ask.options(scheduling_strategy=strategy(node_id=node.id, soft=False)).remote(dict(self.encoders)): node
            for node in nodes
        }

    def _heard(self, one: Any, node: Node) -> list[str]:
        """What a node has answered.

        Raises:
            UserError: it is not fit.
        """
        try:
            found = self.ray.get(one)
        except self.ray.exceptions.RayTaskError as error:
            raise UserError(
                f"node {node.host} of the cluster cannot load steelsight ({_last_line(error)}); pip install "
                f"'steelsight[train,cluster]=={__version__}' there"
            ) from error
        except self.ray.exceptions.RayError:  # it has gone since
            return [f"node {node.host} has gone"]
        if found["steelsight"] != __version__:
            raise UserError(another_steelsight(node.host, found["steelsight"], __version__))
        if "lacks" in found:
            raise UserError(f"node {node.host}: {found['lacks']}")
        own = versions()
        others = [f"{name} {found.get(name, 'not')}" for name in _OF_RESULTS if found.get(name) != own.get(name)]
        if not others:
            return []
        return [f"node {node.host} has {', '.join(others)}: the last bits of what it computes may differ"]


def keep_off(nodes: Collection[str]) -> dict[str, Any]:
    """Options of a task or actor that keep it off nodes.

    >>> keep_off(["b", "a"]), keep_off([])
    ({'label_selector': {'ray.io/node-id': '!in(a,b)'}}, {})
    """
    return {"label_selector": {_LABEL: f"!in({','.join(sorted(nodes))})"}} if nodes else {}


def another_steelsight(host: str, there: str, here: str) -> str:
    """Says so of a node."""
    return f"node {host} of the cluster has steelsight {there}, this is {here}; install the same on every node"


def what_it_has(encoders: Mapping[Encoder, str]) -> dict[str, str]:
    """Versions of this node, and under `lacks` a sentence where it lacks ImageNet weights."""
    from steelsight.networks.encoders import require_weights

    try:
        for encoder, member in encoders.items():
            require_weights(encoder, member)
    except UserError as error:
        return {**versions(), "lacks": str(error)}
    return versions()


def versions() -> dict[str, str]:
    """Of steelsight and of what it computes with, as far as it is installed."""
    found = {"steelsight": __version__}
    for name in _OF_RESULTS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _last_line(error: Exception) -> str:
    return [line.strip() for line in str(error).splitlines() if line.strip()][-1]
