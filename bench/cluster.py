"""Training and inspection on Ray's own cluster of several nodes on this machine, held against one machine without Ray.

    python bench/cluster.py nodes                        jobs on 1, 2 and 4 nodes: weights, evidence and decision
    python bench/cluster.py kills --rounds 20            a node killed with SIGKILL at a random moment of a training
    python bench/cluster.py driver --rounds 3            the driver killed at a random moment; one goes on, a second joins in
    python bench/cluster.py inspection --images 2000     a node killed in the middle of an inspection
    python bench/cluster.py overhead --runs 5            90 jobs of a second: two nodes against two jobs side by side

Images are drawn strips. Each finished round is a line of WORK/rows.jsonl; what has its line is not done again, so that the
script may be stopped and started. Every node has one processor, and a head that takes no work is beside them.
"""

import argparse
import json
import os
import random
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from functools import partial
from pathlib import Path
from typing import Any

from machine import print_machine

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]
os.environ |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path[:2]), "COLUMNS": "200"}

from helpers.ray_cluster import EPOCHS, TINY, Nodes, made, ray_nodes  # noqa: E402
from helpers.tiny_inspector import make_inspector  # noqa: E402
from helpers.training_samples import few_images, sets  # noqa: E402

from steelsight.cluster.connect import connected  # noqa: E402
from steelsight.cluster.lay_out import ClusterConfig  # noqa: E402
from steelsight.cluster.train import train_on_cluster  # noqa: E402
from steelsight.dataset.read import read_dataset  # noqa: E402
from steelsight.imaging.read import list_images  # noqa: E402
from steelsight.recipe import Member, choose_jobs, load_recipe  # noqa: E402
from steelsight.run.predictions import OutOfFoldPredictions  # noqa: E402
from steelsight.run.run import Run  # noqa: E402
from steelsight.selection.decide import decide  # noqa: E402
from steelsight.training.device_config import DeviceConfig  # noqa: E402
from steelsight.training.experiment import run_jobs  # noqa: E402
from steelsight.training.start import start_run  # noqa: E402

SHORT = (*TINY, "members.*.sampling.least_steps=1")
"""The same jobs with a step or two an epoch, for many rounds."""
JOBS_OF_A_SECOND = 90
FOLDS, SECOND_EPOCHS = 3, 9


class Rows:
    """What is measured already."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text().splitlines() if path.is_file() else []
        self.rows: list[dict[str, Any]] = [json.loads(line) for line in lines]

    def once(self, what: str, number: int, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The row of a round, measured if there is none."""
        for row in self.rows:
            if (row["what"], row["number"]) == (what, number):
                return row
        row = {"what": what, "number": number, **measure()}
        with self._path.open("a") as stream:
            stream.write(json.dumps(row) + "\n")
        print(json.dumps(row), flush=True)
        self.rows.append(row)
        return row


def new_run(work: Path, name: str, changes: tuple[str, ...], recipe: str = "demo") -> OutOfFoldPredictions:
    """A RUN on a dozen drawn strips, without any job done."""
    data = work / "data"
    if not data.exists():
        few_images(data)
    run = Run(work / name)
    if run.path.exists():
        subprocess.run(["rm", "-rf", run.path], check=True)
    return OutOfFoldPredictions.of(start_run(run, read_dataset(data, decode=False), load_recipe(recipe, changes)))


def decided(run: Run) -> dict[str, bytes]:
    """What was made, and what is decided on it."""
    decide(run)
    return {**made(run.path), "decision": run.decision_file.read_bytes()}


def on_one_machine(evidence: OutOfFoldPredictions, parallel: int = 1) -> None:
    run_jobs(evidence, choose_jobs(evidence.recipe, []), DeviceConfig("cpu", parallel=parallel))


def on_cluster(evidence: OutOfFoldPredictions, nodes: Nodes, config: ClusterConfig, jobs: Any = None) -> None:
    jobs = jobs or choose_jobs(evidence.recipe, [])
    with connected(nodes.address) as ray:
        train_on_cluster(ray, evidence, jobs, DeviceConfig("cpu"), config)


def same_on_nodes(work: Path, rows: Rows) -> None:
    """The jobs of a small recipe on 1, 2 and 4 nodes."""
    expected: dict[str, bytes] = {}
    for count in (1, 2, 4):

        def measure(count: int = count) -> dict[str, Any]:
            if not expected:
                alone = new_run(work, "alone", TINY)
                on_one_machine(alone)
                expected.update(decided(alone.run))
            evidence = new_run(work, f"nodes{count}", TINY)
            with ray_nodes(count) as nodes:
                on_cluster(evidence, nodes, ClusterConfig())
            return {"files": len(expected), "identical": decided(evidence.run) == expected}

        rows.once("nodes", count, measure)


def ended(log: Path) -> list[tuple[str, str]]:
    """Jobs and their epochs, as a training tells them."""
    return re.findall(r"^(\S+/fold\d+) epoch (\d+)/", log.read_text(), re.MULTILINE)


def kill_rounds(work: Path, rows: Rows, count: int) -> None:
    """A node killed at a random moment; counts the epochs that were trained again behind a checkpoint that had arrived."""
    expected: dict[str, bytes] = {}

    def measure(number: int) -> dict[str, Any]:
        if not expected:
            alone = new_run(work, "alone", SHORT)
            on_one_machine(alone)
            expected.update(made(alone.run.path))
        evidence = new_run(work, "killed", SHORT)
        jobs, chance = choose_jobs(evidence.recipe, []), random.Random(number)
        epochs, after = chance.randrange(len(jobs) * EPOCHS), chance.uniform(0, 2)
        log = work / "killed.txt"
        log.write_text("")
        with ray_nodes(2) as nodes, log.open("w") as said, redirect_stderr(said):

            def kill() -> None:
                while not list(evidence.run.path.glob("jobs/*/*/.lock")) or len(ended(log)) < epochs:
                    time.sleep(0.05)
                time.sleep(after)
                nodes.kill(number % 2)

            killing = threading.Thread(target=kill, daemon=True)
            killing.start()
            on_cluster(evidence, nodes, ClusterConfig(retries=5, checkpoint_every=0))
            killing.join()
        lost = re.findall(r"^(\S+/fold\d+): its worker", log.read_text(), re.MULTILINE)
        return {
            "epochs_before": epochs,
            "seconds_behind": round(after, 2),
            "lost": len(lost),
            "trained_again": len(ended(log)) - len(set(ended(log))),
            "epochs": len(jobs) * EPOCHS,
            "identical": made(evidence.run.path) == expected,
        }

    for number in range(count):
        rows.once("kills", number, partial(measure, number))


def driver_rounds(work: Path, rows: Rows, count: int) -> None:
    """The driver killed with SIGKILL at a random moment; `--resume` goes on, and another one, without a cluster, joins in."""
    expected: dict[str, bytes] = {}

    def measure(number: int) -> dict[str, Any]:
        if not expected:
            alone = new_run(work, "alone", SHORT)
            on_one_machine(alone)
            expected.update(decided(alone.run))
        run = new_run(work, "driven", SHORT).run
        verb: list[str | Path] = [
            sys.executable,
            "-m",
            "steelsight.cli.main",
            "train",
            work / "data",
            "--recipe",
            "demo",
            "--out",
            run.path,
        ]
        verb += [*sets(*SHORT), "--device", "cpu", "--resume"]
        epochs = random.Random(number).randrange(len(choose_jobs(run.recipe, [])) * EPOCHS)
        log = work / "driven.txt"
        log.write_text("")
        with ray_nodes(2) as nodes, log.open("w") as said:
            start = partial(subprocess.Popen, stdout=subprocess.DEVNULL, stderr=said)
            driver = start([*verb, "--cluster", nodes.address])
            while (not list(run.path.glob("jobs/*/*/.lock")) or len(ended(log)) < epochs) and driver.poll() is None:
                time.sleep(0.05)
            driver.kill()
            driver.wait()
            done = len(list(run.path.glob("jobs/*/*/done.json")))
            two = [start([*verb, "--cluster", nodes.address]), start([*verb, "--parallel", "1"])]
            statuses = [one.wait() for one in two]
        return {
            "epochs_before": epochs,
            "jobs_before": done,
            "statuses": statuses,
            "identical": {**made(run.path), "decision": run.decision_file.read_bytes()} == expected,
        }

    for number in range(count):
        rows.once("driver", number, partial(measure, number))


def inspection(work: Path, rows: Rows, count: int) -> None:
    """Tables, masks and overlays of many images, on one machine and on two nodes of which one is killed."""

    def measure() -> dict[str, Any]:
        images = work / "images"
        images.mkdir(exist_ok=True)
        sample = list_images(few_images(work / "few") / "train_images") if not (work / "few").exists() else []
        sample = sample or list_images(work / "few" / "train_images")
        for number in range(count):
            path = images / f"{number:05}.jpg"
            if not path.exists():
                path.hardlink_to(sample[number % len(sample)])
        inspector = work / "inspector"
        if not inspector.exists():
            make_inspector(inspector)
        verb: list[str | Path] = [
            sys.executable,
            "-m",
            "steelsight.cli.main",
            "inspect",
            inspector,
            images,
            "--masks",
            "--json",
        ]
        alone, killed = work / "inspected", work / "inspected-killed"
        subprocess.run(["rm", "-rf", alone, killed], check=True)
        subprocess.run([*verb, "--threads", "1", "--out", alone], check=True, stdout=subprocess.DEVNULL)
        with ray_nodes(2) as nodes:
            inspecting = subprocess.Popen(
                [*verb, "--out", killed, "--cluster", nodes.address], stdout=subprocess.DEVNULL
            )
            partial = killed / "images.partial.csv"
            while not (partial.is_file() and partial.stat().st_size > 20_000) and inspecting.poll() is None:
                time.sleep(0.05)
            nodes.kill()
            status = inspecting.wait()
        tables = [path.relative_to(alone) for path in sorted(alone.rglob("*")) if path.is_file()]
        same = all((alone / path).read_bytes() == (killed / path).read_bytes() for path in tables)
        return {"images": count, "status": status, "files": len(tables), "identical": same}

    rows.once("inspection", count, measure)


@contextmanager
def jobs_of_a_second(work: Path, name: str) -> Iterator[tuple[OutOfFoldPredictions, list[tuple[Member, int]]]]:
    """A RUN of as many jobs as are to be measured, all of one classifier under several names."""
    file = work / "second.yaml"
    base = load_recipe("demo", [*SHORT, f"members.*.phases.*.epochs={SECOND_EPOCHS}", f"folds={FOLDS}"])
    one = base.member("classify-lite0").model_dump(mode="json", exclude_none=True) | {"weights": "random"}
    members = [one | {"name": f"classify-{number}"} for number in range(JOBS_OF_A_SECOND // FOLDS)]
    file.write_text(
        json.dumps(base.model_dump(mode="json", exclude_none=True) | {"name": "second", "members": members})
    )
    evidence = new_run(work, name, (), str(file))
    yield evidence, choose_jobs(evidence.recipe, [])


def overhead(work: Path, rows: Rows, runs: int) -> None:
    """Seconds from the second job's end, when both sides have started, to the last one's."""

    def span(evidence: OutOfFoldPredictions) -> float:
        ends = sorted(path.stat().st_mtime for path in evidence.run.path.glob("jobs/*/*/done.json"))
        assert len(ends) == JOBS_OF_A_SECOND
        return round(ends[-1] - ends[1], 3)

    def alone() -> dict[str, Any]:
        with jobs_of_a_second(work, "beside") as (evidence, _):
            on_one_machine(evidence, parallel=2)
            return {"seconds": span(evidence)}

    def nodes() -> dict[str, Any]:
        with jobs_of_a_second(work, "on-nodes") as (evidence, jobs), ray_nodes(2) as two:
            on_cluster(evidence, two, ClusterConfig(), jobs)
            return {"seconds": span(evidence)}

    found = {"beside": list[float](), "on-nodes": list[float]()}
    for number in range(runs):  # in turn, so that a machine that is busy for a while is so for both
        found["beside"].append(rows.once("overhead beside", number, alone)["seconds"])
        found["on-nodes"].append(rows.once("overhead on-nodes", number, nodes)["seconds"])
    beside, cluster = (statistics.median(found[side]) for side in ("beside", "on-nodes"))
    print(
        f"{JOBS_OF_A_SECOND} jobs, medians of {runs}: {beside:.1f} s side by side, {cluster:.1f} s on two nodes", end=""
    )
    print(f", {cluster / beside:.3f} times as long")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["nodes", "kills", "driver", "inspection", "overhead"])
    parser.add_argument("--work", type=Path, default=Path("runs/bench-cluster"), help="folder of the rows and RUNs")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    rows, work = Rows(given.work / "rows.jsonl"), given.work.resolve()
    match given.what:
        case "nodes":
            same_on_nodes(work, rows)
        case "kills":
            kill_rounds(work, rows, given.rounds)
        case "driver":
            driver_rounds(work, rows, given.rounds)
        case "inspection":
            inspection(work, rows, given.images)
        case _:
            overhead(work, rows, given.runs)


if __name__ == "__main__":
    print_machine()
    main()
