"""Training speed: the real loader against one batch from memory, bf16 against fp32 where the processor gains from it, layers
computed for a processor against torch's own, and freed memory kept against given back.

    python bench/training.py DATA [--recipe lite] [--batches 6] [--rounds 3]

Rounds alternate between the two sides of each comparison, so that a drift of the machine's speed falls on both; medians are
printed. Nothing else should run meanwhile.
"""

import argparse
import itertools
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from lightning.fabric import Fabric
from machine import print_machine
from torch import Tensor, nn

from steelsight.dataset.model import Sample
from steelsight.dataset.read import read_dataset
from steelsight.networks.member import build_member
from steelsight.networks.precision import gains_from_bf16
from steelsight.networks.processor_training import for_processor_training
from steelsight.recipe import Member, load_recipe, resolve
from steelsight.run.run import JobFolder
from steelsight.training.allocator import keep_freed_memory
from steelsight.training.epochs import TrainingJob, job_loader, make_optimiser
from steelsight.training.kept_images import ImageCache, ReadFor
from steelsight.training.losses import weighted_loss
from steelsight.training.to_input import ToInput

BF16 = gains_from_bf16("cpu")


def main() -> None:
    """Print, for each step of the recipe's first members, images/s and the two ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--recipe", default="lite")
    parser.add_argument("--batches", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", choices=["kept", "default"], help="measure one side of the memory comparison alone")
    arguments = parser.parse_args()
    if arguments.side != "default":
        keep_freed_memory()
    dataset = read_dataset(arguments.data, decode=False)
    recipe = load_recipe(arguments.recipe, ["members.*.sampling.repeat=balanced"])
    recipe = resolve(recipe, dataset.classes, [sample.size for sample in dataset.samples], grey=True)
    precision = "bf16" if BF16 else "fp32, since this processor has no bf16"
    print(f"{len(dataset.samples)} images of {arguments.data.name}, {torch.get_num_threads()} threads, {precision}")
    for step in ("classify", "segment"):
        member = next(member for member in recipe.members if member.step == step)
        size = member.training_preprocess
        print(f"{step}: {member.encoder}, {size.height} x {size.width}, batch {member.sampling.device_batch}")
        if arguments.side:
            _one_side(member, dataset.samples, len(dataset.classes), arguments.batches)
            continue
        real = _batches(member, dataset.samples)
        memory = itertools.repeat(next(real))
        train = _trainer(member, len(dataset.classes), bf16=BF16)
        sides = {"loader": (train, real), "memory": (train, memory)}
        sides["torch"] = (_trainer(member, len(dataset.classes), bf16=BF16, layers=_torchs_own), memory)
        if BF16:
            sides["fp32"] = (_trainer(member, len(dataset.classes), bf16=False), memory)
        rates = _race(sides, member.sampling.device_batch, arguments.batches, arguments.rounds)
        for name, rate in rates.items():
            print(f"  {name:7s} {rate:7.2f} images/s")
        print(f"  loader / memory {rates['loader'] / rates['memory']:.3f} (aim 0.95)")
        print(f"  layers for a processor / torch's own {rates['memory'] / rates['torch']:.2f}")
        if BF16:
            print(f"  bf16 / fp32     {rates['memory'] / rates['fp32']:.2f} (aim 1.5)")

    if not arguments.side:
        _compare_memory(arguments)


def _one_side(member: Member, samples: tuple[Sample, ...], classes: int, batches: int) -> None:
    batch = next(_batches(member, samples))
    train = _trainer(member, classes, bf16=BF16)
    rates = _race({"": (train, itertools.repeat(batch))}, len(batch[0]), batches, 1)
    print(f"rate {rates['']:.3f}")


def _compare_memory(arguments: argparse.Namespace) -> None:
    """Both sides in turn, each in its own process, since the setting cannot be taken back."""
    rates: dict[str, list[list[float]]] = {"kept": [], "default": []}
    for _ in range(arguments.rounds):
        for side, seen in rates.items():
            command = [sys.executable, __file__, str(arguments.data), "--recipe", arguments.recipe]
            command += ["--batches", str(arguments.batches), "--side", side]
            lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
            seen.append([float(line.split()[1]) for line in lines if line.startswith("rate ")])
    for number, step in enumerate(("classify", "segment")):
        kept, default = (statistics.median(round_[number] for round_ in rates[side]) for side in ("kept", "default"))
        print(f"{step}: freed memory kept / given back {kept / default:.2f}")


Side = tuple[Callable[[Tensor, Tensor], None], Iterator[tuple[Tensor, Tensor]]]


def _race(sides: dict[str, Side], batch: int, batches: int, rounds: int) -> dict[str, float]:
    """Median images/s of each side over alternating rounds, after a warm-up."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name, (train, source) in sides.items():
            started = time.perf_counter()
            for _ in range(batches):
                train(*next(source))
            if number:
                seconds[name].append(time.perf_counter() - started)
    return {name: batch * batches / statistics.median(times) for name, times in seconds.items()}


def _batches(member: Member, samples: tuple[Sample, ...]) -> Iterator[tuple[Tensor, Tensor]]:
    read = ImageCache(read=ReadFor.member(member))
    job = TrainingJob(member, 0, 0, (), samples, (), JobFolder(Path("unused")), read)
    size = member.sampling.device_batch
    places = itertools.count()
    items = [[(place % len(samples), 0, place) for place in itertools.islice(places, size)] for _ in range(10_000)]
    with job_loader(job, torch.device("cpu"), 0) as loader:
        yield from map(ToInput.of(member), loader.training(items))


def _torchs_own(network: nn.Module) -> nn.Module:
    return network


def _trainer(
    member: Member, classes: int, *, bf16: bool, layers: Callable[[nn.Module], nn.Module] = for_processor_training
) -> Callable[[Tensor, Tensor], None]:
    fabric = Fabric(accelerator="cpu", devices=1, precision="bf16-mixed" if bf16 else "32-true")
    network = layers(build_member(member, classes)).to(memory_format=torch.channels_last)
    optimiser = make_optimiser(member.phases[0].optimiser, network)
    model, stepper = fabric.setup(network, optimiser)

    def train(pixels: Tensor, target: Tensor) -> None:
        logits = model(pixels.contiguous(memory_format=torch.channels_last))
        fabric.backward(weighted_loss(member.phases[0].loss, logits, target))
        stepper.step()
        stepper.zero_grad(set_to_none=True)

    return train


if __name__ == "__main__":
    print_machine()
    main()
