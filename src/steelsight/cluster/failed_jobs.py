"""Where jobs have failed, and so whether a node or a job itself is at fault."""

from collections.abc import Collection
from dataclasses import dataclass, field

_ENOUGH = 2  # jobs that failed on a node alone, for others to come first


@dataclass(eq=False)
class FailedJobs:
    """Jobs that have failed, by the node that they failed on.

    >>> failed = FailedJobs()
    >>> failed.add("a", "node 1", "why"), failed.add("b", "node 1", "why")
    (False, True)
    >>> failed.avoided("c", ["node 1", "node 2"]), failed.avoided("c", ["node 1"])
    ({'node 1'}, set())
    """

    _at: dict[str, dict[str, str]] = field(default_factory=dict)
    _of: dict[str, set[str]] = field(default_factory=dict)

    def add(self, job: str, node: str, why: str) -> bool:
        """A job has failed on a node; whether that is what makes others come first. Behind a second node the job itself is
        at fault."""
        self._at.setdefault(job, {})[node] = why
        if len(self._at[job]) > 1:
            for jobs in self._of.values():
                jobs.discard(job)
            return False
        of = self._of.setdefault(node, set())
        is_new = job not in of
        of.add(job)
        return is_new and len(of) == _ENOUGH

    def done(self, node: str) -> None:
        """A node has done a job."""
        self._of.pop(node, None)

    def at(self, job: str) -> Collection[str]:
        """The nodes that a job has failed on."""
        return self._at.get(job, {}).keys()

    def why(self, job: str) -> str:
        """What a job has failed of on each node, in one sentence."""
        return ", and ".join(self._at[job].values())

    def avoided(self, job: str, nodes: Collection[str]) -> set[str]:
        """The nodes that a job is not to go to: those that it has failed on, and those that are perhaps at fault as long as
        others of `nodes` are not; where it fails once more it is given up, so one failure is enough then."""
        enough = 1 if job in self._at else _ENOUGH
        suspected = {node for node, jobs in self._of.items() if len(jobs) >= enough}
        return {*self.at(job), *(suspected if set(nodes) - suspected else ())}
