"""How the jobs of a run are laid out on the nodes of a cluster: on what device, how many at once, what a worker is told."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from steelsight.cluster.check_nodes import check_nodes
from steelsight.cluster.described_run import read_description
from steelsight.cluster.job_task import RunOrders
from steelsight.cluster.nodes import Needs, Node, nodes_of, within
from steelsight.cluster.shipped import Packed, pack
from steelsight.core.errors import UserError
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.training.device_config import DeviceConfig
from steelsight.training.epochs import TrainingJob
from steelsight.training.job_memory import job_memory
from steelsight.training.job_order import JobRoom
from steelsight.training.kept_images import CACHE
from steelsight.training.threads import threads_of

RETRIES = 3
"""How often a job goes on elsewhere after its worker was lost."""
CHECKPOINT_EVERY = 30.0
"""Seconds between two checkpoints of a job that travel to the driver, at least."""
_GPU_LOADERS = 4  # loader processes of a job on a GPU


@dataclass(frozen=True)
class ClusterConfig:
    """How jobs run on a cluster.

    Attributes:
        ship_data: whether the images travel through Ray's object store, rather than to be seen by each node under their path.
        retries: how often a job goes on elsewhere after its worker was lost.
        checkpoint_every: seconds between two checkpoints of a job that travel, at least.
    """

    ship_data: bool = False
    retries: int = RETRIES
    checkpoint_every: float = CHECKPOINT_EVERY


@dataclass(frozen=True)
class ClusterLayout:
    """How jobs run.

    Attributes:
        device: of all jobs.
        threads: of a job on a processor; None on a GPU.
        workers: loader processes of a job; cache: bytes of decoded images that it may keep.
        needs: what a job of each member takes of a node.
        place: how many jobs at once.
        notes: what a user should know of the nodes, sentences.
    """

    device: Literal["cpu", "cuda"]
    threads: int | None
    workers: int
    cache: int
    needs: Mapping[str, Needs]
    place: JobRoom
    notes: tuple[str, ...]


def lay_out(
    ray: Any, evidence: OutOfFoldPredictions, jobs: Sequence[TrainingJob], machine: DeviceConfig
) -> ClusterLayout:
    """Lay jobs out on the nodes that are up.

    Args:
        ray: see `steelsight.cluster.connect.connected`.

    Raises:
        UserError: a node has another steelsight; or there is no GPU and one is asked for.
    """
    nodes = nodes_of(ray)
    notes = check_nodes(ray, nodes)
    device = _device(machine, nodes)
    workers = _loaders(machine, device)
    cache = CACHE // max(
        1, int(max((node.cpus for node in nodes), default=1))
    )  # a node's jobs together as one machine's
    threads = threads_of(evidence.run)[0] if device == "cpu" else None
    if threads is None:
        share = 1.0 if machine.parallel == "auto" else 1.0 / machine.parallel
        needs = {job.member.name: within(Needs(1.0 + workers, share), nodes) for job in jobs}
    else:
        samples, classes = evidence.record.samples, len(evidence.record.classes)
        members = {job.member.name: job.member for job in jobs}
        needs = {
            name: within(Needs(threads + workers, memory=job_memory(member, classes, samples, cache)), nodes)
            for name, member in members.items()
        }
    room = sum(node.takes(needs[jobs[0].member.name]) for node in nodes)
    return ClusterLayout(device, threads, workers, cache, needs, JobRoom(max(1, min(len(jobs), room))), notes)


def orders_of(
    ray: Any, evidence: OutOfFoldPredictions, layout: ClusterLayout, config: ClusterConfig, tensorboard: bool = False
) -> RunOrders:
    """What the workers of a run are told.

    Raises:
        UserError: the images are to be shipped, and some lie outside of their folder.
    """
    record = evidence.record
    return RunOrders(
        token=os.urandom(8).hex(),
        files=read_description(evidence.run),
        images=record.root.resolve(),
        packed=_packed(ray, evidence) if config.ship_data else None,
        device=layout.device,
        threads=layout.threads,
        workers=layout.workers,
        cache=layout.cache,
        tensorboard=tensorboard,
        checkpoint_every=config.checkpoint_every,
    )


def _device(machine: DeviceConfig, nodes: Sequence[Node]) -> Literal["cpu", "cuda"]:
    has_gpu = any(node.gpus for node in nodes)
    if machine.device == "cuda" and nodes and not has_gpu:
        raise UserError("`device=cuda`: no node of the cluster has a GPU, as far as Ray knows; use `device=cpu`")
    device: Literal["cpu", "cuda"] = "cuda" if has_gpu and machine.device != "cpu" else "cpu"
    if device == "cpu" and machine.parallel not in ("auto", 1):
        raise UserError(
            f"`parallel={machine.parallel}`: on a cluster it says how many jobs share a GPU, and these train on processors; "
            "leave it out"
        )
    return device


def _loaders(machine: DeviceConfig, device: str) -> int:
    if machine.workers is not None:
        return machine.workers
    return _GPU_LOADERS if device == "cuda" else 0


def _packed(ray: Any, evidence: OutOfFoldPredictions) -> Packed:
    record = evidence.record
    paths = [sample.path for sample in (*record.samples, *record.without_masks)]
    outside = next((path for path in paths if not path.is_relative_to(record.root)), None)
    if outside is not None:
        raise UserError(
            f"{outside}: lies outside of {record.root}, and `ship_data=` packs what is in it; move it there, or leave it out"
        )
    return pack(ray, record.root, paths, record.fingerprint)
