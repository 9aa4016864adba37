"""What a training will cost on a cluster, before it costs it: each network is timed by a worker, where it would train."""

from collections.abc import Sequence
from typing import Any

from steelsight.cluster.connect import first_line
from steelsight.cluster.job_task import time_job
from steelsight.cluster.lay_out import ClusterConfig, ClusterLayout, lay_out, orders_of
from steelsight.cluster.nodes import nodes_of
from steelsight.core.errors import UserError
from steelsight.recipe import Member
from steelsight.run.predictions import OutOfFoldPredictions
from steelsight.training.cost_plan import Cost, cost
from steelsight.training.device_config import DeviceConfig
from steelsight.training.job import make_job
from steelsight.training.timing import Timing


def plan_on_cluster(
    ray: Any,
    evidence: OutOfFoldPredictions,
    jobs: Sequence[tuple[Member, int]],
    machine: DeviceConfig,
    config: ClusterConfig,
) -> tuple[Cost, ClusterLayout]:
    """What jobs will cost on the nodes that are up; trains nothing that is kept. All members are timed at once, as far as
    there is room, so that each has others beside it, as in training.

    Args:
        ray: see `steelsight.cluster.connect.connected`.

    Raises:
        UserError: as `lay_out`; no node has room for a job, a node lacks the images, or a worker was lost again and again.
    """
    made = [make_job(evidence, member, fold) for member, fold in jobs]
    layout = lay_out(ray, evidence, made, machine)
    nodes = nodes_of(ray)
    for name, needs in layout.needs.items():
        if not any(node.takes(needs) for node in nodes):
            raise UserError(
                f"{name}: no node of the cluster has the {needs} that a job of it takes; plan when such a node has joined"
            )
    orders = ray.put(orders_of(ray, evidence, layout, config))
    task = ray.remote(time_job)
    first = {job.member.name: job for job in reversed(made)}
    asked = {
        name: task.options(**layout.needs[name].options(), max_retries=config.retries).remote(orders, name, job.fold)
        for name, job in first.items()
    }
    timed = {name: _timing(ray, name, ref) for name, ref in asked.items()}
    memory = None if layout.device == "cuda" else [layout.needs[job.member.name].memory for job in made]
    times = [timed[job.member.name] for job in made]
    return cost(made, times, memory, layout.place, layout.share), layout


def _timing(ray: Any, name: str, ref: Any) -> Timing:
    try:
        told = ray.get(ref)
    except ray.exceptions.RayTaskError:
        raise
    except ray.exceptions.RayError as error:
        raise UserError(f"{name}: could not be timed, since its worker was lost: {first_line(error)}") from error
    if "timed" not in told:
        raise UserError(told.get("unfit") or f"{name} could not be timed: {told['failed']}")
    return Timing(**told["timed"])
