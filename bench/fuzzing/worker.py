"""A process that tries one reader for a while: what it lets through, fills or takes too long over is written down."""

import json
import os
import random
import resource
import shutil
import sys
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from fuzzing.folders import keep, write_files
from fuzzing.odd import Draw
from fuzzing.reader import Reader
from fuzzing.readers import readers

MOST_SECONDS = 10.0
"""Of a processor that one input may take."""
MOST_MEMORY = 1 << 30
"""Bytes that one input may fill beyond what the process had before."""
_CEILING = 6 << 30  # beyond which the system gives no more, so that the machine is safe
_BATCH = 50


@dataclass
class Tally:
    """What came of a reader so far, in one process."""

    inputs: int = 0
    accepted: int = 0
    refused: int = 0
    seconds: float = 0.0
    failures: dict[str, int] = field(default_factory=dict)


def work(name: str, first_seed: int, seconds: float, folder: Path) -> None:
    """Try a reader; prints a line of JSON for each seed that is done and each new failure.

    Args:
        folder: of this process alone; what is tried lies in `current/input` there, so that it outlives a crash.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    reader = readers(folder)[name]()
    current, ends = folder / "current", time.monotonic() + seconds
    resource.setrlimit(resource.RLIMIT_DATA, (_CEILING, _CEILING))
    for number in range(first_seed, first_seed + 1_000_000):
        tally = Tally()
        began = time.monotonic()
        over = _batch(reader, number, current, tally, ends)
        tally.seconds = time.monotonic() - began
        print(json.dumps({"seed": number, **vars(tally)}), flush=True)
        if over:
            return


def _batch(reader: Reader, number: int, current: Path, tally: Tally, ends: float) -> bool:
    """Whether the time is over."""

    @seed(number)
    @settings(
        max_examples=_BATCH,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def one(data: st.DataObject) -> None:
        if time.monotonic() > ends:
            raise TimeoutError
        _try(reader, Draw(data), current, tally)

    random.seed(number)
    try:
        one()
    except Exception:  # hypothesis has words of its own for an example that draws nothing any more
        if time.monotonic() > ends:
            return True
        raise
    return time.monotonic() > ends


def _try(reader: Reader, draw: Draw, current: Path, tally: Tally) -> None:
    files = reader.damaged(draw)
    shutil.rmtree(current, ignore_errors=True)
    inside = current / "input"
    write_files(inside, files)
    reader.finish(draw, inside)
    print(json.dumps({"at": tally.inputs}), flush=True)  # a sign of life
    before = _start_of_memory()
    began = time.process_time()
    tally.inputs += 1
    try:
        accepted = reader.enter(draw, inside)
    except Exception as error:
        _fail(reader, _what(error), traceback.format_exc(), current, tally)
        return
    took, filled = time.process_time() - began, _peak() - before
    if took > MOST_SECONDS:
        _fail(reader, f"slow: {took:.0f} s", "", current, tally, "slow")
    elif filled > MOST_MEMORY:
        _fail(reader, f"memory: {filled >> 20} MB", "", current, tally, "memory")
    elif accepted:
        tally.accepted += 1
    else:
        tally.refused += 1


def _what(error: Exception) -> str:
    """The kind of an error and the innermost line of the project: one kind of failure."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "steelsight" in frame.filename]
    at = f" at {Path(frames[-1].filename).name}:{frames[-1].name}" if frames else f": {str(error)[:60]}"
    return f"{type(error).__name__}{at}"


def _fail(reader: Reader, what: str, trace: str, current: Path, tally: Tally, kind: str = "") -> None:
    kind = kind or what
    is_new = kind not in tally.failures
    tally.failures[kind] = tally.failures.get(kind, 0) + 1
    if is_new:
        (current / "why.txt").write_text(f"{reader.name}: {what}\n{trace}", errors="replace")
        print(json.dumps({"failure": kind}), flush=True)
        keep(current, current.parent / f"kept-{os.urandom(4).hex()}")


def _start_of_memory() -> int:
    """Have the system count the peak anew, from what is filled now; that, in bytes."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _peak() -> int:
    return _status("VmHWM")


def _status(name: str) -> int:
    lines: dict[str, Any] = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines[name].split()[0]) * 1024


if __name__ == "__main__":
    work(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]))
