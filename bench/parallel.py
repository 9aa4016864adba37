"""Jobs side by side: images/s of two jobs of one thread against one job of two threads, with the real loader, in one run.

    python bench/parallel.py DATA [--recipe demo] [--jobs 2] [--seconds 10] [--rounds 3]

Rounds alternate between the sides, so that a drift of the speed falls on both; medians are printed. `--busy N` keeps
N cores busy with other work meanwhile, which is when threads that wait for each other cost most.
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

from machine import print_machine

from steelsight.training.threads import environment, limited_to

BUSY = "while True: pass"


def main() -> None:
    """Print, for each step of the recipe's first members, images/s of both sides and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--recipe", default="demo")
    parser.add_argument("--jobs", type=int, default=2, help="side by side, and threads of the one job beside them")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--busy", type=int, default=0)
    parser.add_argument("--job", nargs=2, metavar=("STEP", "THREADS"), help="be one of the jobs")
    arguments = parser.parse_args()
    if arguments.job:
        one_job(arguments, arguments.job[0], int(arguments.job[1]))
        return
    others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(arguments.busy)]
    try:
        for step in ("classify", "segment"):
            compare(arguments, step)
    finally:
        for other in others:
            other.kill()
            other.wait()


def compare(arguments: argparse.Namespace, step: str) -> None:
    count = arguments.jobs
    rates: dict[tuple[int, int], list[float]] = {(count, 1): [], (1, count): []}
    for _ in range(arguments.rounds):
        for (jobs, threads), seen in rates.items():
            seen.append(together(arguments, step, jobs, threads))
    side, one = (statistics.median(seen) for seen in rates.values())
    print(
        f"{step}: {count} jobs of one thread {side:.2f} images/s, one job of {count} threads {one:.2f}; {side / one:.2f}"
    )


def together(arguments: argparse.Namespace, step: str, jobs: int, threads: int) -> float:
    """Images/s of so many jobs at once, all of them together; they begin when the last is ready."""
    command = [sys.executable, __file__, str(arguments.data), "--recipe", arguments.recipe]
    command += ["--seconds", str(arguments.seconds), "--job", step, str(threads)]
    processes = [
        subprocess.Popen(
            command, env=environment(threads), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        for _ in range(jobs)
    ]
    for process in processes:
        _next_line(process)
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    rate = sum(float(_next_line(process)) for process in processes)
    for process in processes:
        process.communicate()
    return rate


def _next_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def one_job(arguments: argparse.Namespace, step: str, threads: int) -> None:
    from training import _batches, _trainer  # bench/training.py, the same loader and step

    from steelsight.dataset.read import read_dataset
    from steelsight.networks.precision import gains_from_bf16
    from steelsight.recipe import load_recipe, resolve
    from steelsight.training.allocator import keep_freed_memory

    keep_freed_memory()
    dataset = read_dataset(arguments.data, decode=False)
    recipe = load_recipe(arguments.recipe, ["members.*.sampling.repeat=balanced"])
    recipe = resolve(recipe, dataset.classes, [sample.size for sample in dataset.samples], grey=True)
    member = next(member for member in recipe.members if member.step == step)
    with limited_to(threads):
        train = _trainer(member, len(dataset.classes), bf16=gains_from_bf16("cpu"))
        batches = _batches(member, dataset.samples)
        train(*next(batches))
        print("ready", flush=True)
        sys.stdin.readline()
        started, images = time.perf_counter(), 0
        while time.perf_counter() - started < arguments.seconds:
            pixels, target = next(batches)
            train(pixels, target)
            images += len(pixels)
        print(images / (time.perf_counter() - started), flush=True)


if __name__ == "__main__":
    print_machine()
    main()
