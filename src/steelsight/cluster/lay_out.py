"""How the jobs of a run are laid out on the nodes of a cluster: on what device, how many at once, what a worker is told."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from steelsight.cluster.check_nodes import CheckedNodes
from steelsight.cluster.described_run import read_description
from steelsight.cluster.job_task import RunOrders
from steelsight.cluster.nodes import Needs, Node, at_once, nodes_of, share_of_a_gpu, within
from steelsight.cluster.shipped import Packed, pack
from steelsight.core.errors import UserError
from steelsight.recipe import Recipe
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
_GPU_LOADERS = 4  # loader processes of a job on a GPU, at most


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
        device: of all jobs; share: of one that a job takes.
        threads: of a job on a processor; None on a GPU.
        workers: loader processes of a job; cache: bytes of decoded images that it may keep on a processor.
        needs: what a job of each member takes of a node.
        place: how many jobs at once.
        notes: what a user should know of the nodes, sentences.
        checked: the nodes that were asked.
    """

    device: Literal["cpu", "cuda"]
    share: float
    threads: int | None
    workers: int
    cache: int
    needs: Mapping[str, Needs]
    place: JobRoom
    notes: tuple[str, ...]
    checked: CheckedNodes


def lay_out(
    ray: Any, evidence: OutOfFoldPredictions, jobs: Sequence[TrainingJob], machine: DeviceConfig
) -> ClusterLayout:
    """Lay jobs out on the nodes that are up.

    Args:
        ray: see `steelsight.cluster.connect.connected`.

    Raises:
        UserError: a node has another steelsight, or lacks weights; or there is no GPU and one is asked for.
    """
    nodes = nodes_of(ray)
    device, notes = _device(machine, nodes)
    share = 1.0 if device == "cpu" or machine.parallel == "auto" else share_of_a_gpu(machine.parallel)
    workers = _loaders(machine, device, share, nodes)
    most = int(max((node.cpus for node in nodes), default=1))
    cache = CACHE // max(1, most)  # a node's jobs together as one machine's
    threads = threads_of(evidence.run)[0] if device == "cpu" else None
    if threads is None:
        needs = {job.member.name: within(Needs(1.0 + workers, share), nodes) for job in jobs}
    else:
        samples, classes = evidence.record.samples, len(evidence.record.classes)
        members = {job.member.name: job.member for job in jobs}
        needs = {
            name: within(Needs(threads + workers, memory=job_memory(member, classes, samples, cache)), nodes)
            for name, member in members.items()
        }
    checked = CheckedNodes(
        ray, {job.member.encoder: job.member.name for job in jobs if job.member.weights == "imagenet"}
    )
    notes += checked.require([node for node in nodes if any(map(node.takes, needs.values()))])
    notes += _of_devices(evidence.recipe)
    if device == "cuda":
        notes += _of_idle_gpus(nodes, next(iter(needs.values())))
    room = at_once(nodes, [needs[job.member.name] for job in jobs])
    return ClusterLayout(device, share, threads, workers, cache, needs, JobRoom(max(1, room)), (*notes,), checked)


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
        needs=layout.needs,
        tensorboard=tensorboard,
        checkpoint_every=config.checkpoint_every,
    )


def _device(machine: DeviceConfig, nodes: Sequence[Node]) -> tuple[Literal["cpu", "cuda"], list[str]]:
    """What all jobs train on, and what is to be said of that choice."""
    has_gpu = any(node.gpus for node in nodes)
    if machine.device == "cuda" and nodes and not has_gpu:
        raise UserError("`device=cuda`: no node of the cluster has a GPU, as far as Ray knows; use `device=cpu`")
    if machine.device == "cuda" or (has_gpu and machine.device == "auto"):
        return "cuda", []
    if machine.parallel not in ("auto", 1):
        raise UserError(
            f"`parallel={machine.parallel}`: on a cluster it says how many jobs share a GPU, and these train on processors; "
            "leave it out"
        )
    if nodes or machine.device == "cpu":
        return "cpu", []
    return "cpu", [
        "no node of the cluster is up yet, so all jobs will train on processors, also where GPUs join; `device=cuda` "
        "waits for GPUs"
    ]


def _loaders(machine: DeviceConfig, device: str, share: float, nodes: Sequence[Node]) -> int:
    """Loader processes of a job: on GPUs as many as leave no GPU of a node without processors."""
    if machine.workers is not None:
        return machine.workers
    if device == "cpu":
        return 0
    of_a_job = [int(node.cpus // (node.gpus / share)) for node in nodes if node.gpus]
    return max(0, min([_GPU_LOADERS, *(cpus - 1 for cpus in of_a_job)]))


def _of_devices(recipe: Recipe) -> list[str]:
    if recipe.devices_per_job == 1:
        return []
    return [f"the recipe lets {recipe.devices_per_job} devices train a job together; on a cluster each job has one"]


def _of_idle_gpus(nodes: Sequence[Node], needs: Needs) -> list[str]:
    """Nodes whose processors are too few for their GPUs."""
    return [
        f"node {node.host}: its {node.cpus:g} processors are too few for its {node.gpus:g} GPUs, some of which stay idle, "
        f"since a job takes {needs}; add processors, or give fewer `workers=`"
        for node in nodes
        if node.takes(needs) < node.takes(replace(needs, cpus=0))
    ]


def _packed(ray: Any, evidence: OutOfFoldPredictions) -> Packed:
    record = evidence.record
    paths = [sample.path for sample in (*record.samples, *record.without_masks)]
    outside = next((path for path in paths if not path.is_relative_to(record.root)), None)
    if outside is not None:
        raise UserError(
            f"{outside}: lies outside of {record.root}, and `ship_data=` packs what is in it; move it there, or leave it out"
        )
    return pack(ray, record.root, paths, record.fingerprint)
