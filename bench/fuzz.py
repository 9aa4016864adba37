"""Gives generated files to every reader and counts what is let through: an error that is not ours, a crash, time, memory.

    python bench/fuzz.py --work DIR --minutes 25
    python bench/fuzz.py --work DIR --minutes 5 --only image: log
    python bench/fuzz.py --work DIR --show

Each input is a valid file or folder with one to three changes (`bench/fuzzing/`), drawn by hypothesis from a seed that is
written down. It enters by a real door: a verb of the command line, a name of the library, or a request to the station. A
failure is an exception other than `UserError`, a traceback in what is printed, an exit status other than 0, 2 and 3, an
answer of 500 or more, a process that dies or is silent for two minutes, more than 10 s of a processor, or more than 1 GB of
memory beyond what the process had before. Some doors hold the answer against itself, too: a size that two readers tell
otherwise, an image that nobody counts. Each reader has processes of its own. The first failing input of each kind in a
process lies in DIR/failures/ with the reason. A later call goes on with further seeds; DIR/rows.jsonl has a row for a turn.
"""

import argparse
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from machine import print_machine

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests"), str(ROOT / "src")]

from fuzzing.readers import readers, some  # noqa: E402

TURN = 60.0
"""Seconds that one reader has at a time, its start not counted: over a few units all have their turn again and again."""
SILENCE = 120.0
"""Seconds without a sign of life after which a worker is ended: its input hangs."""
SEEDS = 1_000_000
"""Between the first seeds of two turns."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=25.0)
    parser.add_argument("--turn", type=float, default=TURN)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--show", action="store_true", help="print the sums of all turns so far")
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    if not given.show:
        _unit(given.work, given.minutes * 60, given.turn, some(list(readers(given.work)), given.only))
    _show(given.work)


def _unit(work: Path, seconds: float, turn: float, names: list[str]) -> None:
    ends = time.monotonic() + seconds
    done = Counter(row["reader"] for row in _rows(work))
    while time.monotonic() < ends:
        name = min(names, key=lambda one: (done[one], names.index(one)))
        row = _turn(work, name, done[name] * SEEDS, min(turn, max(5.0, ends - time.monotonic())))
        with (work / "rows.jsonl").open("a") as stream:
            stream.write(json.dumps(row) + "\n")
        done[name] += 1
        print(json.dumps(row), flush=True)


def _turn(work: Path, name: str, first_seed: int, seconds: float) -> dict[str, Any]:
    """One process for one reader."""
    began, folder = time.monotonic(), work / "worker"
    command = [sys.executable, "-m", "fuzzing.worker", name, str(first_seed), str(seconds), str(folder)]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(sys.path[:3]), "OMP_NUM_THREADS": "1", "COLUMNS": "200", "PYTHONFAULTHANDLER": "1",
    }  # fmt: skip
    row: dict[str, Any] = {
        "reader": name,
        "first_seed": first_seed,
        "inputs": 0,
        "accepted": 0,
        "refused": 0,
        "failures": {},
    }
    with (work / "errors.txt").open("w+b") as errors:
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=errors, start_new_session=True
        )
        under_way, last = _listen(process, row)
        status = process.wait()
        if status != 0:
            errors.seek(0)
            said = errors.read().decode("utf-8", "replace")[-3000:]
            kind = "hangs" if status == -signal.SIGKILL and under_way == "silent" else f"dies with {status}"
            row["inputs"] += last
            row["failures"][kind] = 1
            current = folder / "current"
            current.mkdir(parents=True, exist_ok=True)
            (current / "why.txt").write_text(f"{name}: {kind}\n{said}")
            current.rename(folder / "kept-dead")
    for kept in sorted(folder.glob("kept-*")):
        target = work / "failures" / f"{name.replace(':', '-')}-{first_seed // SEEDS}-{kept.name[5:]}"
        target.parent.mkdir(exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        shutil.move(kept, target)
    row["seconds"] = round(time.monotonic() - began, 1)
    return row


def _listen(process: subprocess.Popen[bytes], row: dict[str, Any]) -> tuple[str, int]:
    """Add up what a worker says; how it ended, and how many inputs it had tried of the batch that it did not end."""
    last, waiting = 0, b""
    assert process.stdout is not None
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        while True:
            if not ready.select(SILENCE):
                os.killpg(process.pid, signal.SIGKILL)
                return "silent", last
            part = os.read(process.stdout.fileno(), 1 << 16)
            if not part:
                return "ended", last
            *lines, waiting = (waiting + part).split(b"\n")
            for line in lines:
                said = json.loads(line)
                if "at" in said:
                    last = said["at"] + 1
                elif "seed" in said:
                    last = 0
                    for key in ("inputs", "accepted", "refused"):
                        row[key] += said[key]
                    row["failures"] = dict(Counter(row["failures"]) + Counter(said["failures"]))


def _rows(work: Path) -> list[dict[str, Any]]:
    file = work / "rows.jsonl"
    lines = file.read_text().splitlines() if file.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def _show(work: Path) -> None:
    rows = _rows(work)
    print(f"{'reader':24}{'inputs':>9}{'seconds':>9}{'refused':>9}{'accepted':>9}  failures")
    for name in dict.fromkeys([row["reader"] for row in rows] + ["all"]):
        of = [row for row in rows if name in (row["reader"], "all")]
        sums = [sum(row[key] for row in of) for key in ("inputs", "seconds", "refused", "accepted")]
        failures = sum((Counter(row["failures"]) for row in of), Counter())
        said = (
            ", ".join(f"{count} {kind}" for kind, count in failures.items())
            if name != "all"
            else sum(failures.values())
        )
        print(f"{name:24}{sums[0]:>9}{sums[1]:>9.0f}{sums[2]:>9}{sums[3]:>9}  {said}")


if __name__ == "__main__":
    print_machine()
    main()
