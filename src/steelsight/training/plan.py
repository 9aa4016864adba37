"""What a recipe will cost before it costs it: each distinct network is timed for a few steps on this machine."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from lightning.fabric import Fabric
from torch import Tensor

from steelsight.networks.member import build_member
from steelsight.networks.precision import depthwise_in_fp32
from steelsight.preprocess import Preprocess
from steelsight.training.fit import Job, make_optimiser
from steelsight.training.losses import Output, weighted_loss
from steelsight.training.sampling import distinct_images, steps_per_epoch

_TIMED_STEPS = 2
_COMPRESSION = 0.15  # of stored 8-bit maps, mostly zero


@dataclass(frozen=True)
class MemberCost:
    """Cost of one member over all its planned folds.

    Attributes:
        jobs: folds; epochs: of each; steps: optimiser steps of each epoch (mean over folds).
        training_rate, inference_rate: images/s measured here.
        seconds: training, validation and evidence, all jobs.
        disk: bytes kept (weights and evidence); working: bytes while a job runs (its checkpoint).
    """

    member: str
    jobs: int
    epochs: int
    steps: int
    training_rate: float
    inference_rate: float
    seconds: float
    disk: float
    working: float


def plan(jobs: Sequence[Job], fabric: Fabric) -> list[MemberCost]:
    """Cost of each member that has a job; trains nothing that is kept."""
    members = list(dict.fromkeys(job.member.name for job in jobs))
    return [_member_cost([job for job in jobs if job.member.name == name], fabric) for name in members]


def _member_cost(jobs: Sequence[Job], fabric: Fabric) -> MemberCost:
    member = jobs[0].member
    training_rate, inference_rate, parameters = _measure(jobs[0], fabric)
    sampling = member.sampling
    steps = [steps_per_epoch(sampling, distinct_images(sampling, job.training)) for job in jobs]
    images = sum(steps) * sampling.batch * member.epochs
    validations = member.epochs // member.validate_every
    seen = sum(len(job.validation) * (validations + 1) for job in jobs)
    evidence = sum(len(job.validation) for job in jobs)
    map_bytes = len(jobs[0].classes) * member.preprocess.height * member.preprocess.width * _COMPRESSION
    return MemberCost(
        member=member.name,
        jobs=len(jobs),
        epochs=member.epochs,
        steps=round(sum(steps) / len(steps)),
        training_rate=training_rate,
        inference_rate=inference_rate,
        seconds=images / training_rate + seen / inference_rate,
        disk=4.0 * parameters * len(jobs) + (evidence * map_bytes if member.step == "segment" else 16.0 * evidence),
        working=16.0 * parameters,
    )


def _measure(job: Job, fabric: Fabric) -> tuple[float, float, int]:
    """Training and inference images/s over all devices, and the number of weights."""
    member = job.member
    batch = min(member.sampling.device_batch, member.sampling.batch)
    network = build_member(member, len(job.classes)).to(memory_format=torch.channels_last)
    if fabric.device.type == "cpu":
        depthwise_in_fp32(network)
    optimiser = make_optimiser(member.phases[0].optimiser, network)
    wrapped, wrapped_optimiser = fabric.setup(network, optimiser)
    pixels, whole = (
        _random(batch, preprocess, fabric) for preprocess in (member.training_preprocess, member.preprocess)
    )
    target = _zeros(wrapped(pixels))

    def train_step() -> None:
        fabric.backward(weighted_loss(member.phases[0].loss, wrapped(pixels), target))
        wrapped_optimiser.step()
        wrapped_optimiser.zero_grad(set_to_none=True)

    def infer() -> None:
        with torch.inference_mode():
            network(whole)

    train_step()
    training_rate = batch * fabric.world_size / _seconds(train_step, fabric)
    network.eval()
    infer()
    inference_rate = batch / _seconds(infer, fabric)
    return training_rate, inference_rate, sum(weight.numel() for weight in network.parameters())


def _random(batch: int, preprocess: Preprocess, fabric: Fabric) -> Tensor:
    pixels = torch.rand(batch, preprocess.channels, preprocess.height, preprocess.width, device=fabric.device)
    return pixels.contiguous(memory_format=torch.channels_last)


def _zeros(output: Output) -> Output:
    if isinstance(output, Tensor):
        return torch.zeros_like(output)
    return torch.zeros_like(output[0]), torch.zeros_like(output[1])


def _seconds(step: Callable[[], None], fabric: Fabric) -> float:
    started = time.perf_counter()
    for _ in range(_TIMED_STEPS):
        step()
    if fabric.device.type == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - started) / _TIMED_STEPS
