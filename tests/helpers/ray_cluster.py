"""A Ray cluster of several nodes on this machine, one processor each, any of which can be killed and another added; and what
is trained on it."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helpers.data import ROOT
from helpers.training_samples import SMALL

EPOCHS = 3
TINY = (
    *(change for change in SMALL if ".weights=" not in change),
    "members.segment-lite0.weights=random",
    "members.*.keep.last=1",
    f"members.*.phases.*.epochs={EPOCHS}",
    "members.segment-lite0.decoder_channels=[32,32]",
)
"""Changes of the recipe `demo`: a classifier that starts from a segmenter, in seconds."""

_STORE = 100 * 2**20  # bytes of a node's object store
_ENVIRONMENT = {
    "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")]),
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_memory_monitor_refresh_ms": "0",  # who else fills the machine is no concern of a test
}


@dataclass
class Nodes:
    """Nodes that take work; the head, which is another, takes none."""

    cluster: Any
    up: list[Any] = field(default_factory=list)

    @property
    def address(self) -> str:
        return str(self.cluster.address)

    def add(self, **resources: Any) -> Any:
        """One more node of a processor; Ray wants to be asked in the main thread."""
        settings = {"num_cpus": 1, "memory": 8 * 10**9, "object_store_memory": _STORE, **resources}
        self.up.append(self.cluster.add_node(**settings))
        return self.up[-1]

    def kill(self, number: int = 0) -> None:
        """As SIGKILL does it: the node and all its workers are gone at once."""
        self.cluster.remove_node(self.up.pop(number), allow_graceful=False)


def made(run: Path) -> Mapping[str, bytes]:
    """Weights and evidence of a RUN, without what has seconds in it."""
    weights = run.glob("jobs/*/*/weights.safetensors")
    evidence = (path for path in run.glob("evidence/*/fold*/**/*") if path.is_file())
    paths = [*weights, *evidence, *run.glob("evidence/*/fold*.parquet")]
    return {str(path.relative_to(run)): path.read_bytes() for path in paths}


@contextmanager
def ray_nodes(count: int) -> Iterator[Nodes]:
    from ray.cluster_utils import Cluster

    former = {name: os.environ.get(name) for name in _ENVIRONMENT}
    os.environ.update(_ENVIRONMENT)
    head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": _STORE, "memory": 8 * 10**9}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        nodes = Nodes(cluster)
        for _ in range(count):
            nodes.add()
        yield nodes
    finally:
        cluster.shutdown()
        for name, value in former.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
