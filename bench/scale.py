"""The dress rehearsal: made-up strips through every verb, and what each stage takes in time, memory and disk.

    python bench/scale.py --work runs/scale --images 3142
    python bench/scale.py --work runs/scale --images 12568
    python bench/scale.py --work runs/scale --table

Stages, each the verb as a user types it: draw, check, train (`demo` with two folds and one epoch of small windows: folds and
evidence are of all images, the networks are cheap), decide, export, inspect (every strip again), report. A row a stage is
kept in WORK/IMAGES/rows.json, and a stage that is there is not run again; a training that was killed goes on. Seconds by
the clock and of processors, the greatest memory of all its processes together (sampled twice a second), and what it
left on the disk. `--table` sets the sizes side by side: a power above 1 grows faster than the number of images.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from math import log
from pathlib import Path
from typing import Any

from machine import print_machine

from steelsight.core.files import write_json

SEED, DIFFICULTY = 93, 0.1
CHEAP = (
    "folds=2",
    "members.*.phases.1.epochs=1",
    "members.*.input.pixels=16384",
    "members.*.augment.crop.pixels=8192",
    "members.*.validate_every=1",
    "members.*.keep.last=1",
)


def main() -> None:
    """Run the stages that are not there yet, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--images", type=int)
    parser.add_argument("--table", action="store_true")
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if given.table or given.images is None:
        print_table(given.work)
        return
    folder = given.work / str(given.images)
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    if (folder / "rows.json").is_file():
        rows = json.loads((folder / "rows.json").read_text(encoding="utf-8"))
    for name, words, left in stages(folder, given.images):
        if name in [row["stage"] for row in rows]:
            continue
        if name != "train":  # it goes on with what is there
            shutil.rmtree(left, ignore_errors=True)
        rows.append({"stage": name, **measure(words, folder / "log.txt"), "disk_mb": size_mb(left)})
        write_json(folder / "rows.json", rows)
        print(json.dumps(rows[-1]), flush=True)


def stages(folder: Path, images: int) -> list[tuple[str, tuple[object, ...], Path]]:
    """Name, words of the verb, and what it leaves."""
    strips, run, inspector, inspected = (folder / name for name in ("strips", "run", "inspector", "inspected"))
    sets = [part for change in CHEAP for part in ("--set", change)]
    drawn = ("--images", images, "--seed", SEED, "--difficulty", DIFFICULTY)
    groups = ("--groups", strips / "groups.csv")
    return [
        ("draw", ("data", "make", strips, *drawn), strips),
        ("check", ("data", "check", strips, *groups), folder / "nothing"),
        ("train", ("train", strips, "--recipe", "demo", "--out", run, "--resume", *groups, *sets), run),
        ("decide", ("decide", run, "--max-escape", 0.1, "--max-overkill", 0.2), run / "decision.json"),
        ("export", ("export", run, "--out", inspector), inspector),
        ("inspect", ("inspect", inspector, strips / "train_images", "--out", inspected), inspected),
        ("report", ("report", run), run / "report"),
    ]


def measure(words: tuple[object, ...], log_file: Path) -> dict[str, float]:
    """Seconds by the clock and of processors, and the greatest memory, of a verb that must end well."""
    with log_file.open("a") as log_to:
        started, before = time.monotonic(), os.times()
        command = [sys.executable, "-m", "steelsight.cli.main", *map(str, words)]
        process = subprocess.Popen(command, stdout=log_to, stderr=log_to)
        greatest = 0
        while process.poll() is None:
            greatest = max(greatest, resident(process.pid))
            time.sleep(0.5)
    if process.returncode:
        sys.exit(f"steelsight {' '.join(map(str, words))} ended with {process.returncode}; see {log_file}")
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return {
        "seconds": round(time.monotonic() - started, 1),
        "processor_seconds": round(used, 1),
        "memory_mb": round(greatest / 2**20),
    }


def resident(process: int) -> int:
    """Bytes that a process and all that it started have in memory; what several share is counted once (Linux: Pss)."""
    total, waiting = 0, [process]
    while waiting:
        folder = Path("/proc", str(waiting.pop()))
        try:
            lines = (folder / "smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:"))
            waiting += [int(child) for path in folder.glob("task/*/children") for child in path.read_text().split()]
        except OSError:  # it ended meanwhile
            continue
    return total


def size_mb(path: Path) -> float:
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    return round(sum(one.stat().st_size for one in files) / 2**20, 1)


def print_table(work: Path) -> None:
    """A line a stage; of the greatest size and the one before, how each figure grows with the number of images."""
    sizes = sorted(int(path.parent.name) for path in work.glob("*/rows.json"))
    of = {size: json.loads((work / str(size) / "rows.json").read_text(encoding="utf-8")) for size in sizes}
    keys = ("seconds", "processor_seconds", "memory_mb", "disk_mb")
    print("| stage | images | seconds | of processors | memory, MB | disk, MB |\n|---|---|---|---|---|---|")
    for place, row in enumerate(of[sizes[-1]]):
        for size in sizes:
            if place < len(of[size]):
                print(
                    f"| {row['stage']} | {size:,} | "
                    + " | ".join(f"{of[size][place][key]:,.0f}" for key in keys)
                    + " |"
                )
        if len(sizes) > 1 and place < len(of[sizes[-2]]):
            small, times = of[sizes[-2]][place], sizes[-1] / sizes[-2]
            grows = [log(max(row[key], 1e-3) / max(small[key], 1e-3)) / log(times) for key in keys]
            print("| | grows with the power | " + " | ".join(f"{one:.2f}" for one in grows) + " |")


if __name__ == "__main__":
    print_machine()
    main()
