"""How much memory jobs take, before they take it, and how much there is."""

import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from steelsight.dataset.model import Sample
from steelsight.networks.member import build_member
from steelsight.recipe import Member
from steelsight.training.epochs import make_optimiser
from steelsight.training.losses import Output, weighted_loss
from steelsight.training.timing import no_defects

PROCESS = 0.9e9
"""Bytes of a process with its libraries and nothing to train (measured: 0.6 GB, beside 0.4 GB that all processes share), and
of the heap's pad (`memory.py`)."""
SLACK = 1.1
"""Of the tensors: what the kernels take for themselves."""
USABLE = 0.9
"""Of the memory that is available: other programs breathe."""


def job_memory(member: Member, classes: int, samples: Sequence[Sample], cache: int) -> float:
    """Bytes that the process of a job is expected to take at most.

    A training step and a batch of the evidence, or of the validation where that is larger, are gone through on tensors
    without content, which costs no memory and next to no time, and the greatest number of bytes that live at once is counted.

    Args:
        cache: bytes of decoded images that it may keep.
    """
    with torch.device("meta"):
        network = build_member(member, classes)
    network = network.to(memory_format=torch.channels_last)
    weights: int = 4 * sum(weight.numel() for weight in network.parameters())
    sampling = member.sampling
    training, whole = (
        torch.empty(batch, preprocess.channels, preprocess.height, preprocess.width, device="meta")
        for batch, preprocess in (
            (sampling.pass_batch, member.training_preprocess),
            (max(sampling.device_batch, sampling.validation_batch or 0), member.preprocess),
        )
    )
    optimiser = make_optimiser(member.phases[0].optimiser, network)
    with _Living() as step:
        output: Output = network(training)
        torch.autograd.backward(weighted_loss(member.phases[0].loss, output, no_defects(output)))
        optimiser.step()
    with _Living() as evidence, torch.inference_mode():
        network.eval()(whole)
    channels = 1 if member.preprocess.colour == "grey" else 3
    bytes_each = channels * (1 if member.preprocess.bits is None else 2)
    images = min(cache, sum(sample.size[0] * sample.size[1] * bytes_each for sample in samples))
    # Added up, since the gaps that a step leaves in the heap seldom fit what evidence needs; beside both the weights, their
    # average so far, and a checkpoint on its way to the disk: a copy of the weights and the optimiser's two, and its bytes.
    tensors: int = step.peak + evidence.peak + 8 * weights
    return PROCESS + SLACK * tensors + images


def fitting(memory: Sequence[float], room: float) -> int:
    """How many jobs may ever run at once, at least one.

    >>> fitting([3.0, 1.0, 2.0], 3.5), fitting([3.0, 1.0, 2.0], 0.5)
    (2, 1)
    """
    return max(1, sum(sum(sorted(memory)[: count + 1]) <= room for count in range(len(memory))))


def available_memory(root: Path = Path("/")) -> float:
    """Bytes that processes may still take: what the system has, and no more than a control group grants; endless where
    neither says anything.

    Args:
        root: where /proc and /sys are.
    """
    found = float("inf")
    with suppress(OSError, ValueError, StopIteration):
        lines = (root / "proc/meminfo").read_text().splitlines()
        found = 1024 * float(next(line.split()[1] for line in lines if line.startswith("MemAvailable:")))
    return min(found, *_of_groups(root))


def _of_groups(root: Path) -> list[float]:
    """What each control group that this process is in has left, of version 2 and 1."""
    left = [float("inf")]
    lines: list[str] = []
    with suppress(OSError):
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            names, mount = ("memory.max", "memory.current", "inactive_file"), root / "sys/fs/cgroup"
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            mount = root / "sys/fs/cgroup/memory"
        else:
            continue
        group = mount / path.lstrip("/")
        left += [_left(folder, *names) for folder in (group, *group.parents) if folder.is_relative_to(mount)]
    return left


def _left(group: Path, limit: str, taken: str, cached: str) -> float:
    """Bytes below a group's limit; pages of files that were not used lately make room when they are asked to."""
    with suppress(OSError, ValueError):
        most, now = float((group / limit).read_text()), float((group / taken).read_text())
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        return max(0.0, most - now + float(stat.get(cached, 0)))
    return float("inf")


class _Living(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of the tensors that are made within and live at the same time."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak: int = 0
        self._now = 0
        self._seen: weakref.WeakSet[Any] = weakref.WeakSet()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for made in tree_leaves(result):
            if isinstance(made, Tensor):
                self._count(made.untyped_storage())
        return result

    def _count(self, storage: Any) -> None:
        if storage in self._seen:  # a view
            return
        self._seen.add(storage)
        self._now += storage.nbytes()
        self.peak = max(self.peak, self._now)
        weakref.finalize(storage, self._gone, storage.nbytes())

    def _gone(self, count: int) -> None:
        self._now -= count
