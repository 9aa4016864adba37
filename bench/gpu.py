"""What a GPU makes of training and inspection, in one table and under ten minutes: for who has one.

For the networks of a recipe, on made-up strips: training images/s with the real loader beside the same step fed from device
memory, and with its steps compiled; evidence in fp32. Then the loader alone, with as many processes as a training would have.
Then the ready inspector that travels in the package, from files to verdicts. Ends with status 2 where there is no GPU.

    python bench/gpu.py [--recipe paper] [--members NAME ...] [--minutes 9]
    python bench/gpu.py --device cpu     # tiny networks and sizes: to see that the script works, its figures say nothing
"""

import argparse
import itertools
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from machine import print_machine
from rich.console import Console
from rich.table import Table

from steelsight.core.cores import cores
from steelsight.dataset.model import Dataset
from steelsight.dataset.read import read_dataset
from steelsight.networks.build import probabilities
from steelsight.networks.compiled import can_compile
from steelsight.networks.member import build_member
from steelsight.networks.precision import true_fp32
from steelsight.networks.processor_training import for_processor_training
from steelsight.recipe import Member, Recipe, load_recipe, resolve
from steelsight.run.run import JobFolder
from steelsight.strips import make_strips
from steelsight.training.batches import default_workers
from steelsight.training.epochs import TrainingJob, job_loader, make_optimiser, trained_as
from steelsight.training.fabric import make_fabric
from steelsight.training.kept_images import image_readers
from steelsight.training.losses import weighted_loss
from steelsight.training.to_input import ToInput

TINY = (
    "members.*.weights=random",
    "members.*.input={height: 32, width: 64, colour: grey}",
    "members.*.sampling.batch=4",
    "members.*.sampling.device_batch=2",
)
_CACHE = 2 * 2**30


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    arguments.add_argument("--recipe", default="paper")
    arguments.add_argument("--members", nargs="*", help="names; if left out, one of every encoder and step")
    arguments.add_argument("--minutes", type=float, default=9.0, help="no measurement begins later")
    given = arguments.parse_args()
    tiny = given.device == "cpu"
    if not tiny and not torch.cuda.is_available():
        print("bench/gpu.py: torch sees no GPU on this machine, so there is nothing to measure", file=sys.stderr)
        return 2
    deadline = time.monotonic() + 60 * given.minutes
    recipe = load_recipe("lite", TINY) if tiny else load_recipe(given.recipe, ["members.*.weights=random"])
    with tempfile.TemporaryDirectory(prefix="steelsight-gpu-") as folder:
        make_strips(
            Path(folder) / "strips", 12 if tiny else 256, size=(64, 128) if tiny else (256, 1600), workers=cores()
        )
        dataset = read_dataset(Path(folder) / "strips", decode=False)
        bench = Bench(resolve_for(recipe, dataset), dataset, given.device, 0.2 if tiny else 4.0)
        table = Table(title=f"{bench.name}; {bench.fabric._precision.precision}, {bench.workers} loader processes")
        for column in (
            "member",
            "batch",
            "loader",
            "memory",
            "loader / memory",
            "compiled",
            "evidence",
            "loader alone",
        ):
            table.add_column(column, justify="left" if column == "member" else "right")
        left_out = []
        for member in bench.chosen(given.members):
            if time.monotonic() > deadline:
                left_out.append(member.name)
                continue
            table.add_row(member.name, *bench.row(member))
        console = Console(width=140, emoji=False)
        console.print(table)
        console.print(
            "images/s; memory: the same step fed from the device; evidence: inference in fp32, with the loader"
        )
        if left_out:
            console.print(f"left out, since {given.minutes:g} minutes were over: {', '.join(left_out)}")
        console.print(inspection(Path(folder) / "strips", given.device, 1.0 if tiny else 20.0))
    return 0


def resolve_for(recipe: Recipe, dataset: Dataset) -> Recipe:
    """The recipe for strips whose classes are not Severstal's by name, perhaps."""
    members = [
        member.model_copy(update={"sampling": member.sampling.model_copy(update={"repeat": "balanced"})})
        for member in recipe.members
    ]
    plain = recipe.model_copy(update={"members": tuple(members), "rule": None})
    return resolve(plain, dataset.classes, [sample.size for sample in dataset.samples], grey=True)


class Bench:
    """One device, and what is measured on it.

    Args:
        seconds: of each measurement.
    """

    def __init__(self, recipe: Recipe, dataset: Dataset, device: str, seconds: float) -> None:
        self.recipe, self.dataset, self.seconds = recipe, dataset, seconds
        self.fabric: Fabric = make_fabric("cuda" if device == "cuda" else "cpu", recipe)
        self.workers = default_workers(device, 1)
        self.name = torch.cuda.get_device_name(0) if device == "cuda" else "a processor, tiny sizes: to try the script"
        self._reads = image_readers(recipe.members, dataset.samples, self.workers, _CACHE)

    def chosen(self, names: list[str] | None) -> list[Member]:
        """Those named, or the first of every step, encoder and decoder."""
        if names:
            return [self.recipe.member(name) for name in names]
        first: dict[Any, Member] = {}
        for member in self.recipe.members:
            first.setdefault((member.step, member.encoder, member.decoder), member)
        return list(first.values())

    def row(self, member: Member) -> list[str]:
        """Images/s of a member, each in a column."""
        samples, size = self.dataset.samples, member.sampling.pass_batch
        job = TrainingJob(
            member, 0, 0, self.dataset.classes, samples, samples, JobFolder(Path("unused")), self._reads[member.name]
        )
        to_input = ToInput.of(member)
        with job_loader(job, self.fabric.device, self.workers) as loader:

            def raw() -> Iterator[Any]:
                places = itertools.cycle(range(len(samples)))
                numbers = itertools.count()
                items = [
                    [(place, 0, next(numbers)) for place in itertools.islice(places, size)]
                    for _ in range(20_000 // size)
                ]
                return loader.training(items)

            for _ in itertools.islice(raw(), len(samples) // size):  # so that all are decoded and kept
                pass
            batches = raw()
            alone = self.rate(lambda: next(batches), size)
            step = self.trainer(job)
            batches = raw()
            real = self.rate(lambda: step(*to_input(self.fabric.to_device(next(batches)))), size)
            held = to_input(self.fabric.to_device(next(batches)))
            memory = self.rate(lambda: step(*held), size)
            fused = "" if self.fabric.device.type == "cpu" else "no compiler"
            if self.fabric.device.type == "cuda" and can_compile("cuda"):
                step = self.trainer(replace(job, compile=True))
                fused = f"{self.rate(lambda: step(*held), size):.0f}"
            evidence = self.evidence(job, loader, to_input)
        return [
            str(size),
            f"{real:.0f}",
            f"{memory:.0f}",
            f"{real / memory:.2f}",
            fused,
            f"{evidence:.0f}",
            f"{alone:.0f}",
        ]

    def trainer(self, job: TrainingJob) -> Callable[[Any, Any], None]:
        """A forward and a backward pass, and every so often the optimiser's step."""
        member = job.member
        network = build_member(member, len(job.classes)).to(memory_format=torch.channels_last).train()
        if self.fabric.device.type == "cpu":
            for_processor_training(network)
        optimiser = make_optimiser(member.phases[0].optimiser, network)
        model, stepper = self.fabric.setup(trained_as(job, network, self.fabric), optimiser)
        passes, every = itertools.count(1), member.sampling.batch // member.sampling.pass_batch

        def step(pixels: Any, target: Any) -> None:
            self.fabric.backward(weighted_loss(member.phases[0].loss, model(pixels), target))
            if next(passes) % every == 0:
                stepper.step()
                stepper.zero_grad(set_to_none=True)

        return step

    def evidence(self, job: TrainingJob, loader: Any, to_input: ToInput) -> float:
        """Inference in fp32, with the loader."""
        size = job.member.sampling.device_batch
        network = build_member(job.member, len(job.classes)).to(memory_format=torch.channels_last).eval()
        network.to(self.fabric.device)
        positions = list(itertools.islice(itertools.cycle(range(len(job.validation))), 20_000))
        batches = loader.plain(positions, size)

        @torch.inference_mode()
        def infer() -> None:
            pixels, _ = to_input(self.fabric.to_device(next(batches)))
            with true_fp32():
                probabilities(network, pixels).cpu()

        return self.rate(infer, size)

    def rate(self, step: Callable[[], object], images: int) -> float:
        """Images/s of a step after a warm-up; the device is waited for only at the end."""
        for _ in range(3):
            step()
        self.wait()
        started, steps = time.perf_counter(), 0
        while time.perf_counter() - started < self.seconds:
            step()
            steps += 1
        self.wait()
        return images * steps / (time.perf_counter() - started)

    def wait(self) -> None:
        if self.fabric.device.type == "cuda":
            torch.cuda.synchronize()


def inspection(folder: Path, device: str, seconds: float) -> str:
    """One line on the ready inspector, from files to verdicts."""
    from steelsight.cascade.sources import find_sources
    from steelsight.core.errors import UserError
    from steelsight.inspector.benchmark import measure
    from steelsight.inspector.inspector import Inspector

    try:
        opened = Inspector.demo(device="cuda" if device == "cuda" else "cpu")
    except UserError as error:
        return f"inspection: not measured: {error}"
    speed = measure(opened, find_sources([str(folder)]), seconds)
    return f"inspection, ready inspector on {device}: {speed.images_per_second:.0f} images/s, one alone {speed.p50_ms:.1f} ms"


if __name__ == "__main__":
    print_machine()
    sys.exit(main())
