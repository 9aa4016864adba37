"""What the nodes of a cluster have, and how many jobs or inspectors they take at once."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Needs:
    """What one job or inspector takes of a node: processors, a share of a GPU or whole ones, bytes of memory."""

    cpus: float = 1.0
    gpus: float = 0.0
    memory: float = 0.0

    def options(self) -> dict[str, Any]:
        """As Ray's tasks and actors are told."""
        said: dict[str, Any] = {"num_cpus": self.cpus}
        if self.gpus:
            said["num_gpus"] = self.gpus
        if self.memory:
            said["memory"] = int(self.memory)
        return said


@dataclass(frozen=True)
class Node:
    """A machine of the cluster, by what it has in all."""

    id: str
    host: str
    cpus: float
    gpus: float
    memory: float

    def takes(self, needs: Needs) -> int:
        """How many of such it has room for.

        >>> Node("a", "a", cpus=8, gpus=2, memory=4e9).takes(Needs(cpus=2, gpus=0.5, memory=1.5e9))
        2
        """
        of = [(self.cpus, needs.cpus), (self.gpus, needs.gpus), (self.memory, needs.memory)]
        return min((int(has // wanted) for has, wanted in of if wanted), default=0)


def nodes_of(ray: Any) -> tuple[Node, ...]:
    """The nodes that are up and take work."""

    def found() -> Iterator[Node]:
        for one in ray.nodes():
            has = one["Resources"]
            if one["Alive"] and has.get("CPU"):
                amounts = (has.get("CPU", 0.0), has.get("GPU", 0.0), has.get("memory", 0.0))
                yield Node(one["NodeID"], one["NodeManagerHostname"], *amounts)

    return tuple(found())


def within(needs: Needs, nodes: tuple[Node, ...]) -> Needs:
    """No more memory and processors than the largest node has: what needs more runs alone there, as on one machine.

    >>> within(Needs(cpus=9, memory=9e9), (Node("a", "a", 4, 0, 8e9), Node("b", "b", 2, 0, 9e9)))
    Needs(cpus=4, gpus=0.0, memory=8000000000.0)
    """
    fitting = [node for node in nodes if node.gpus >= needs.gpus]
    if not fitting:
        return needs
    cpus = min(needs.cpus, max(node.cpus for node in fitting))
    enough = [node for node in fitting if node.cpus >= cpus]
    return replace(needs, cpus=cpus, memory=min(needs.memory, max(node.memory for node in enough)))
