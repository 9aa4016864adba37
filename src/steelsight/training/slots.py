"""Where jobs run at the same time: a slot is one core or one GPU, or the few of them that train one job together."""

import os
import socket
from collections.abc import Mapping, Sequence

from steelsight.recipe import Recipe

Slot = tuple[int, ...]
"""The devices of a slot, by position among those that this process may use: one for each process of a job."""

_VISIBLE = "CUDA_VISIBLE_DEVICES"


def share_devices(devices: int, per_job: int, at_once: int | None = None) -> tuple[Slot, ...]:
    """The slots of a machine.

    Args:
        devices: how many there are.
        per_job: how many train one job together; where that leaves some over, these stay idle.
        at_once: jobs at once, spread evenly over the devices; None for one on each, or on every `per_job`.

    >>> share_devices(4, 1), share_devices(5, 2), share_devices(2, 1, at_once=3)
    (((0,), (1,), (2,), (3,)), ((0, 1), (2, 3)), ((0,), (1,), (0,)))
    """
    groups = [tuple(range(first, first + per_job)) for first in range(0, devices - per_job + 1, per_job)]
    return tuple(groups[number % len(groups)] for number in range(len(groups) if at_once is None else at_once))


def devices_together(recipe: Recipe, devices: int) -> int:
    """How many devices train a job of a recipe together: as many as it asks for, or the most of those that are there which
    share every member's batch evenly."""
    return next(
        count
        for count in range(min(recipe.devices_per_job, devices), 0, -1)
        if all(member.sampling.shares_out(count) for member in recipe.members)
    )


def rank_environments(device: str, slot: Slot, base: Mapping[str, str] = os.environ) -> tuple[dict[str, str], ...]:
    """What the environment of each process of a slot says of its devices: which GPUs it sees, and where the others are.

    >>> [one["CUDA_VISIBLE_DEVICES"] for one in rank_environments("cuda", (1,), {"CUDA_VISIBLE_DEVICES": "4,6"})]
    ['6']
    """
    seen: dict[str, str] = {}
    if device == "cuda":
        names = [name.strip() for name in base.get(_VISIBLE, "").split(",") if name.strip()]
        seen[_VISIBLE] = ",".join(names[place] if names else str(place) for place in slot)
    if len(slot) == 1:
        return (seen,)
    seen |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port()), "NODE_RANK": "0"}
    return tuple(seen | {"LOCAL_RANK": str(rank)} for rank in range(len(slot)))


def next_slot(slots: Sequence[Slot], taken: Sequence[int]) -> int:
    """The first slot that no process is in."""
    return next(number for number in range(len(slots)) if number not in taken)


def _free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])
