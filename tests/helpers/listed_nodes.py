"""What of Ray laying jobs out needs, in this process: nodes by what they have, and tasks that are done at once."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any


class ListedNodes:
    """A cluster that lists nodes and asks them here.

    Args:
        nodes: processors and GPUs of each; all have 8 GB of memory.
    """

    def __init__(self, *nodes: tuple[float, float]) -> None:
        self.listed = [_listed(number, *node) for number, node in enumerate(nodes)]
        strategies = SimpleNamespace(NodeAffinitySchedulingStrategy=SimpleNamespace)
        self.util = SimpleNamespace(scheduling_strategies=strategies)
        self.exceptions = SimpleNamespace(RayTaskError=_TaskError, RayError=_TaskError)
        self.answers: list[Any] = []

    def nodes(self) -> list[dict[str, Any]]:
        return self.listed

    def add(self, cpus: float, gpus: float = 0) -> None:
        self.listed.append(_listed(len(self.listed), cpus, gpus))

    def remote(self, **_: Any) -> Callable[[Callable[..., Any]], Any]:
        def wrapped(task: Callable[..., Any]) -> Any:
            one = SimpleNamespace(remote=lambda *given: self._done(task, *given))
            one.options = lambda **_: one
            return one

        return wrapped

    def _done(self, task: Callable[..., Any], *given: Any) -> int:
        self.answers.append(task(*given))
        return len(self.answers) - 1

    def wait(self, asked: Sequence[int], **_: Any) -> tuple[Sequence[int], list[int]]:
        return asked, []

    def get(self, number: int) -> Any:
        return self.answers[number]


class _TaskError(Exception):
    """Nothing raises it here."""


def _listed(number: int, cpus: float, gpus: float) -> dict[str, Any]:
    has = {"CPU": cpus, "memory": 8e9, **({"GPU": gpus} if gpus else {})}
    return {"Alive": True, "NodeID": f"id{number}", "NodeManagerHostname": f"node{number}", "Resources": has}
