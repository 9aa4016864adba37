"""Whether other batches and threads would make an inspection faster than the runtime's own, each against it in turn.

    python bench/pipeline.py INSPECTOR IMAGES... [--rounds 5] [--most 96]

From files on disk to written tables. A ratio below 1 is faster than what the runtime takes: a batch of 4, and a worker
more than OpenVINO's streams. OpenCV's own threads are tried likewise. Nothing else should run meanwhile.
"""

import argparse
import dataclasses
import statistics
import tempfile
import time
from pathlib import Path

import cv2
from machine import print_machine

from steelsight.cascade.sources import Source, find_sources
from steelsight.inspector.inspector import Inspector
from steelsight.inspector.openvino import OpenVinoEngine
from steelsight.results.writer import ResultWriter

_BATCHES = (1, 2, 4, 8)


def main() -> None:
    """Print a line for each way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inspector", type=Path)
    parser.add_argument("images", nargs="+")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--most", type=int, default=96)
    given = parser.parse_args()
    sources = find_sources(given.images)[: given.most]
    inspector = Inspector.open(given.inspector, device="cpu")
    engine = inspector.engine("throughput")
    if not isinstance(engine, OpenVinoEngine):
        raise SystemExit("this bench is of OpenVINO on a processor")
    streams = engine.workers - 1
    ways = {
        f"batch {batch}, {workers} workers": dataclasses.replace(engine, batch=batch, workers=workers)
        for batch in _BATCHES
        for workers in (streams, streams + 1)
    }
    threads = cv2.getNumThreads()
    with tempfile.TemporaryDirectory() as out:
        run(inspector, engine, sources, Path(out))  # warm
        for name, way in ways.items():
            told(name, [pair(inspector, (engine, threads), (way, threads), sources, out) for _ in range(given.rounds)])
        single = [pair(inspector, (engine, threads), (engine, 1), sources, out) for _ in range(given.rounds)]
        told("OpenCV on one thread", single)


def pair(
    inspector: Inspector,
    own: tuple[OpenVinoEngine, int],
    other: tuple[OpenVinoEngine, int],
    sources: tuple[Source, ...],
    out: str,
) -> tuple[float, float]:
    """Seconds of the runtime's own way, and of another."""
    seconds = []
    for engine, threads in (own, other):
        cv2.setNumThreads(threads)
        started = time.perf_counter()
        run(inspector, engine, sources, Path(out))
        seconds.append(time.perf_counter() - started)
    return seconds[0], seconds[1]


def run(inspector: Inspector, engine: OpenVinoEngine, sources: tuple[Source, ...], out: Path) -> None:
    """What `steelsight inspect` does, with an engine."""
    inspector = dataclasses.replace(inspector, _engines={"throughput": engine})
    with ResultWriter(out, inspector.classes, sources) as writer:
        for judged in inspector.stream(sources):
            writer.write(judged)


def told(name: str, pairs: list[tuple[float, float]]) -> None:
    """Print the median of the ratios, and their range."""
    ratios = sorted(other / own for own, other in pairs)
    print(f"{name:24}{statistics.median(ratios):7.3f}   ({ratios[0]:.3f} to {ratios[-1]:.3f})", flush=True)


if __name__ == "__main__":
    print_machine()
    main()
