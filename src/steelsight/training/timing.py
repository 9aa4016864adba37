"""Images a second of a job's network on this machine, measured in a few steps that keep nothing."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from lightning.fabric import Fabric
from torch import Tensor

from steelsight.imaging.preprocess import Preprocess
from steelsight.networks.member import build_member
from steelsight.networks.precision import depthwise_in_fp32
from steelsight.training.epochs import TrainingJob, make_optimiser
from steelsight.training.losses import Output, weighted_loss

_LEAST_STEPS, _LEAST_SECONDS = 2, 1.0


@dataclass(frozen=True)
class Timing:
    """Images/s in training and in inference, over all devices of the job; the number of weights."""

    training_rate: float
    inference_rate: float
    parameters: int


def time_steps(job: TrainingJob, fabric: Fabric) -> Timing:
    """Time training steps and batches of inference on random pixels."""
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
    target = no_defects(wrapped(pixels))

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
    return Timing(training_rate, inference_rate, sum(weight.numel() for weight in network.parameters()))


def _random(batch: int, preprocess: Preprocess, fabric: Fabric) -> Tensor:
    pixels = torch.rand(batch, preprocess.channels, preprocess.height, preprocess.width, device=fabric.device)
    return pixels.contiguous(memory_format=torch.channels_last)


def no_defects(output: Output) -> Output:
    """A target that fits what a network in training returns."""
    if isinstance(output, Tensor):
        return torch.zeros_like(output)
    return torch.zeros_like(output[0]), torch.zeros_like(output[1])


def _seconds(step: Callable[[], None], fabric: Fabric) -> float:
    started, steps, passed = time.perf_counter(), 0, 0.0
    while steps < _LEAST_STEPS or passed < _LEAST_SECONDS:
        step()
        if fabric.device.type == "cuda":
            torch.cuda.synchronize()
        steps, passed = steps + 1, time.perf_counter() - started
    return passed / steps
