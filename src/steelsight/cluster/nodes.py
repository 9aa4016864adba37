"""What the nodes of a cluster have, and how many jobs or inspectors they take at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

_PARTS = 10_000  # of a processor or GPU: the least that Ray counts in


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

    def __str__(self) -> str:
        """
        >>> str(Needs(5, 0.5)), str(Needs(1, memory=2e9))
        ('5 processors and 0.5 GPU', '1 processor and 2.0 GB of memory')
        """
        parts = [f"{self.cpus:g} processor{'' if self.cpus == 1 else 's'}"]
        parts += [f"{self.gpus:g} GPU"] if self.gpus else []
        parts += [f"{self.memory / 1e9:.1f} GB of memory"] if self.memory else []
        return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


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
        return min((_parts(has) // _parts(wanted) for has, wanted in of if wanted), default=0)

    def without(self, needs: Needs) -> "Node":
        """What is left of it beside one of such."""
        return replace(
            self, cpus=self.cpus - needs.cpus, gpus=self.gpus - needs.gpus, memory=self.memory - needs.memory
        )


def _parts(amount: float) -> int:
    """As Ray counts: in floating point 1 // 0.2 is 4."""
    return round(amount * _PARTS)


def share_of_a_gpu(jobs: int) -> float:
    """What each of so many jobs takes, rounded down so that they fit.

    >>> share_of_a_gpu(1), share_of_a_gpu(5), share_of_a_gpu(6)
    (1.0, 0.2, 0.1666)
    """
    return _PARTS // jobs / _PARTS


def at_once(nodes: Sequence[Node], wanted: Sequence[Needs]) -> int:
    """How many of several kinds the nodes run at once, given out in their order to the first that has room.

    >>> at_once([Node("a", "a", 4, 0, 8e9)], [Needs(2, memory=6e9), Needs(1, memory=6e9), Needs(1, memory=1e9)])
    2
    """
    left, count = list(nodes), 0
    for needs in wanted:
        place = next((number for number, node in enumerate(left) if node.takes(needs)), None)
        if place is not None:
            left[place], count = left[place].without(needs), count + 1
    return count


def nodes_of(ray: Any) -> tuple[Node, ...]:
    """The nodes that are up and take work."""

    def found() -> Iterator[Node]:
        for one in ray.nodes():
            has = one["Resources"]
            if one["Alive"] and has.get("CPU"):
                amounts = (has.get("CPU", 0.0), has.get("GPU", 0.0), has.get("memory", 0.0))
                yield Node(one["NodeID"], one["NodeManagerHostname"], *amounts)

    return tuple(found())


def this_node(ray: Any) -> Node | None:
    """The one that this process works on; None where it works on no cluster."""
    if not ray.is_initialized():
        return None
    own = ray.get_runtime_context().get_node_id()
    return next((node for node in nodes_of(ray) if node.id == own), None)


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
