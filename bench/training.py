"""Training speed: the real loader against one batch from memory, and bf16 against fp32; ratios from one run.

    python bench/training.py DATA [--recipe lite] [--batches 6] [--rounds 3]

Rounds alternate between the two sides of each comparison, so that a drift of the machine's speed falls on both; medians are
printed. Nothing else should run meanwhile.
"""

import argparse
import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from lightning.fabric import Fabric
from torch import Tensor

from steelsight.dataset.read import read_dataset
from steelsight.networks.member import build_member
from steelsight.networks.precision import depthwise_in_fp32
from steelsight.recipe import Member, load_recipe, resolve
from steelsight.training.fit import make_optimiser
from steelsight.training.loading import TrainingImages, default_workers, training_batches
from steelsight.training.losses import weighted_loss


def main() -> None:
    """Print, for each step of the recipe's first members, images/s and the two ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--recipe", default="lite")
    parser.add_argument("--batches", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    dataset = read_dataset(arguments.data, decode=False)
    recipe = load_recipe(arguments.recipe, ["members.*.sampling.repeat=balanced"])
    recipe = resolve(recipe, dataset.classes, [sample.size for sample in dataset.samples], grey=True)
    print(f"{len(dataset.samples)} images of {arguments.data.name}, {torch.get_num_threads()} threads")
    for step in ("classify", "segment"):
        member = next(member for member in recipe.members if member.step == step)
        size = member.preprocess
        print(f"{step}: {member.encoder}, {size.height} x {size.width}, batch {member.sampling.device_batch}")
        real = _batches(member, dataset.samples)
        memory = itertools.repeat(next(real))
        bf16, fp32 = (
            _trainer(member, len(dataset.classes), bf16=True),
            _trainer(member, len(dataset.classes), bf16=False),
        )
        sides = {"loader": (bf16, real), "memory": (bf16, memory), "fp32": (fp32, memory)}
        rates = _race(sides, member.sampling.device_batch, arguments.batches, arguments.rounds)
        for name, rate in rates.items():
            print(f"  {name:7s} {rate:7.2f} images/s")
        print(f"  loader / memory {rates['loader'] / rates['memory']:.3f} (aim 0.95)")
        print(f"  bf16 / fp32     {rates['memory'] / rates['fp32']:.2f} (aim 1.5 where supported)")


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


def _batches(member: Member, samples: tuple) -> Iterator[tuple[Tensor, Tensor]]:
    images = TrainingImages(member, samples, 0, "bench")
    size = member.sampling.device_batch
    places = itertools.count()
    items = [[(place % len(samples), 0, place) for place in itertools.islice(places, size)] for _ in range(10_000)]
    return iter(training_batches(images, items, default_workers("cpu")))


def _trainer(member: Member, classes: int, *, bf16: bool) -> Callable[[Tensor, Tensor], None]:
    fabric = Fabric(accelerator="cpu", devices=1, precision="bf16-mixed" if bf16 else "32-true")
    network = depthwise_in_fp32(build_member(member, classes)).to(memory_format=torch.channels_last)
    optimiser = make_optimiser(member.phases[0].optimiser, network)
    model, stepper = fabric.setup(network, optimiser)

    def train(pixels: Tensor, target: Tensor) -> None:
        logits = model(pixels.contiguous(memory_format=torch.channels_last))
        fabric.backward(weighted_loss(member.phases[0].loss, logits, target))
        stepper.step()
        stepper.zero_grad(set_to_none=True)

    return train


if __name__ == "__main__":
    main()
