"""Images a second of a job on this machine, measured in a few steps that keep nothing: with its loader, as it will train."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from steelsight.networks.build import probabilities
from steelsight.networks.member import build_member
from steelsight.networks.precision import true_fp32
from steelsight.networks.processor_training import for_processor_training
from steelsight.training.batches import JobLoader
from steelsight.training.epochs import TrainingJob, job_loader, make_optimiser, trained_as, validated
from steelsight.training.loading import Item
from steelsight.training.losses import Output, weighted_loss
from steelsight.training.memory_errors import memory_errors
from steelsight.training.to_input import RawBatch, ToInput

_LEAST_STEPS = 2
_LEAST_SECONDS = {"cpu": 1.0, "cuda": 4.0}
_TOGETHER = {"cpu": 1, "cuda": 8}  # steps between two looks at the clock: a GPU must not wait for it
_ENDLESS = 100_000  # batches


@dataclass(frozen=True)
class Timing:
    """Images/s of a job, over all its devices: in training and validation as in a first epoch, in which images are decoded,
    and in making the evidence; the number of weights."""

    training_rate: float
    validation_rate: float
    evidence_rate: float
    parameters: int


def time_steps(job: TrainingJob, fabric: Fabric, workers: int = 0, trainings: int = 1) -> Timing:
    """Time training steps, validation in the precision of the training, and evidence in fp32.

    Args:
        workers, trainings: as in `run_job`.

    Raises:
        UserError: memory ran out.
    """
    with memory_errors(job, has_run=False):
        return _timed(job, fabric, workers, trainings)


def _timed(job: TrainingJob, fabric: Fabric, workers: int, trainings: int) -> Timing:
    member, sampling = job.member, job.member.sampling
    network = build_member(member, len(job.classes)).to(memory_format=torch.channels_last)
    if fabric.device.type == "cpu":
        for_processor_training(network)
    optimiser = make_optimiser(member.phases[0].optimiser, network)
    wrapped, wrapped_optimiser = fabric.setup(trained_as(job, network, fabric), optimiser)
    to_input, each = ToInput.of(member), sampling.pass_batch

    def optimise() -> None:
        wrapped_optimiser.step()
        wrapped_optimiser.zero_grad(set_to_none=True)

    with job_loader(job, fabric.device, workers, trainings) as loader:
        batches = loader.training(_training_items(job, each))

        def forth_and_back() -> None:
            pixels, target = to_input(fabric.to_device(next(batches)))
            fabric.backward(weighted_loss(member.phases[0].loss, wrapped(pixels), target))

        forth_and_back()
        optimise()
        passes = sampling.batch // (each * fabric.world_size)
        seconds = passes * _seconds(forth_and_back, fabric) + _seconds(optimise, fabric)
        network.eval()
        shown = validated(job) or range(len(job.validation))
        validation_batch = sampling.validation_batch or sampling.device_batch
        with torch.inference_mode():
            validation = _validate(network, loader, shown, validation_batch, fabric, to_input)
            evidence = _evidence(network, loader, len(job.validation), sampling.device_batch, fabric, to_input)
    return Timing(
        sampling.batch / seconds, validation, evidence, sum(weight.numel() for weight in network.parameters())
    )


def no_defects(output: Output) -> Output:
    """A target that fits what a network in training returns."""
    if isinstance(output, Tensor):
        return torch.zeros_like(output)
    return torch.zeros_like(output[0]), torch.zeros_like(output[1])


def _training_items(job: TrainingJob, batch: int) -> Sequence[Sequence[Item]]:
    places = cycle(range(len(job.training)))
    return [
        [(place, 0, number * batch + of) for of, place in enumerate(islice(places, batch))]
        for number in range(_ENDLESS // batch)
    ]


def _plain(loader: JobLoader, positions: Sequence[int], batch: int) -> Iterator[RawBatch]:
    return loader.plain(list(islice(cycle(positions), _ENDLESS)), batch)


def _validate(
    network: nn.Module, loader: JobLoader, shown: Sequence[int], batch: int, fabric: Fabric, to_input: ToInput
) -> float:
    """Images/s: every device sees all of them."""
    batches = _plain(loader, shown, batch)

    def step() -> None:
        pixels, _ = to_input(fabric.to_device(next(batches)))
        with fabric.autocast():
            network(pixels)

    step()
    return batch / _seconds(step, fabric)


def _evidence(
    network: nn.Module, loader: JobLoader, images: int, batch: int, fabric: Fabric, to_input: ToInput
) -> float:
    batches = _plain(loader, range(images), batch)

    def step() -> None:
        pixels, _ = to_input(fabric.to_device(next(batches)))
        with true_fp32():
            probabilities(network, pixels).cpu()

    step()
    return batch / _seconds(step, fabric)


def _seconds(step: Callable[[], None], fabric: Fabric) -> float:
    kind = fabric.device.type
    least, together = _LEAST_SECONDS.get(kind, 1.0), _TOGETHER.get(kind, 1)
    _synchronise(fabric)
    started, steps, passed = time.perf_counter(), 0, 0.0
    while fabric.broadcast(steps < _LEAST_STEPS or passed < least):  # all devices take as many steps
        for _ in range(together):
            step()
        _synchronise(fabric)
        steps, passed = steps + together, time.perf_counter() - started
    return passed / steps


def _synchronise(fabric: Fabric) -> None:
    if fabric.device.type == "cuda":
        torch.cuda.synchronize()
