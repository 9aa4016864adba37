"""The station through HTTP beside the inspector called directly, in turn, in one run.

    python bench/station.py INSPECTOR IMAGES... [--clients 1 8 64] [--images 100] [--rounds 3] [--overload 10]
                            [--requests 20000]

`steelsight serve` runs as a user would run it, on a log and a store of its own; every image sent differs from every other
in some bytes after its end, so that each is stored. Throughput, and on Linux the processor time of both processes, which the
client's is not part of and other work of the machine changes less, is against `Inspector.stream` over files, the latency of
a lone client against `inspector(image)`. Then load is offered at `--overload` times what was carried: the statuses, and
whether every request answered with 200 stands in the log, and nothing else. With `--requests`, resident memory over so many
(Linux: /proc). Each image takes about 250 kB of the temporary folder. Nothing else should run meanwhile.
"""

import argparse
import asyncio
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from light_client import REFUSED, Answer, Connection, closed_loop, open_loop
from machine import print_machine

from steelsight.cascade.sources import find_sources
from steelsight.inspector.inspector import Inspector

_FIRST = 500
_STARTS_WITHIN = 120.0  # seconds
Address = tuple[str, int]
Images = Sequence[tuple[str, bytes]]


def main() -> None:
    """Print one table per part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inspector", type=Path)
    parser.add_argument("given", nargs="+", metavar="IMAGES")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--images", type=int, default=100, help="of each part of a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--overload", type=float, default=10.0, help="times what was carried; 0: leave it out")
    parser.add_argument("--requests", type=int, default=0, help="for the memory; 0: leave it out")
    arguments = parser.parse_args()
    paths = [source.file for source in find_sources(arguments.given)]
    images = [(path.name, path.read_bytes()) for path in paths]
    inspector = Inspector.open(arguments.inspector)
    with tempfile.TemporaryDirectory() as data, serving(arguments.inspector, Path(data)) as (address, process):
        asyncio.run(closed_loop(address, images, 4, 16))  # warm
        inspector(paths[0])
        carried = compare(inspector, paths, address, process, images, arguments)
        if arguments.overload:
            overload(address, images, arguments.overload * carried, round(arguments.overload * arguments.images))
        if arguments.requests:
            memory(address, process, images, arguments.requests)


@contextmanager
def serving(inspector: Path, data: Path) -> Iterator[tuple[Address, "subprocess.Popen[str]"]]:
    """A station that is ready."""
    command = [sys.executable, "-m", "steelsight.cli.main", "serve", inspector, "--data", data, "--port", "0"]
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        found = re.search(r"http://([\w.]+):(\d+)", process.stdout.readline() if process.stdout else "")
        if found is None:
            sys.exit(f"steelsight serve ended with {process.wait()}")
        address = (found[1], int(found[2]))
        asyncio.run(_until_ready(address))
        yield address, process
    finally:
        process.terminate()
        process.wait()


async def _until_ready(address: Address) -> None:
    connection = Connection(*address)
    answer = await asyncio.wait_for(connection.get("/readyz"), _STARTS_WITHIN)  # the socket listens from the start
    connection.close()
    if answer.status != 200:
        sys.exit(f"/readyz says {answer.status}: {answer.body.decode()}")


def compare(
    inspector: Inspector,
    paths: Sequence[Path],
    address: Address,
    process: "subprocess.Popen[str]",
    images: Images,
    arguments: argparse.Namespace,
) -> float:
    """Images/s, latencies, processor time, and their ratios to the direct calls; the greatest images/s that was carried."""
    stream: list[float] = []
    used: dict[int, list[float]] = {clients: [] for clients in (0, *arguments.clients)}
    lone: list[float] = []
    carried: dict[int, list[float]] = {clients: [] for clients in arguments.clients}
    answers: dict[int, list[Answer]] = {clients: [] for clients in arguments.clients}
    for _ in range(arguments.rounds):
        started, before = time.perf_counter(), time.process_time()
        count = sum(1 for _ in inspector.stream(islice(cycle(paths), arguments.images)))
        stream.append(count / (time.perf_counter() - started))
        used[0].append((time.process_time() - before) / count)
        for path in islice(cycle(paths), arguments.images):
            started = time.perf_counter()
            inspector(path)
            lone.append(time.perf_counter() - started)
        for clients in arguments.clients:
            started, before = time.perf_counter(), _processor_seconds(process)
            answers[clients] += asyncio.run(closed_loop(address, images, clients, arguments.images))
            carried[clients].append(arguments.images / (time.perf_counter() - started))
            used[clients].append((_processor_seconds(process) - before) / arguments.images)
    direct, alone = statistics.median(stream), statistics.median(lone)
    print(f"{arguments.rounds} rounds of {arguments.images} images ({len(paths)} different ones)")
    print(f"{'directly':>12}{direct:8.2f} images/s; one image at a time p50 {alone * 1e3:.0f} ms")
    own = statistics.median(used[0])
    print(f"{'':>12}{own * 1e3:8.2f} ms of processor time an image")
    for clients in arguments.clients:
        per_second = statistics.median(carried[clients])
        p50, p95, p99 = np.percentile([one.seconds for one in answers[clients]], [50, 95, 99])
        statuses = Counter(one.status for one in answers[clients])
        print(
            f"{clients:>4} clients{per_second:8.2f} images/s{per_second / direct:7.3f} x directly   "
            f"p50 {p50 * 1e3:.0f} p95 {p95 * 1e3:.0f} p99 {p99 * 1e3:.0f} ms   "
            f"{p50 / alone:.3f} x one at a time   {dict(statuses)}",
            flush=True,
        )
        of_station = statistics.median(used[clients])
        if of_station:
            print(
                f"{'':>12}{of_station * 1e3:8.2f} ms of the station's processor time an image; "
                f"the direct calls take {own / of_station:.2f} of it"
            )
    return max(map(statistics.median, carried.values()))


def _processor_seconds(process: "subprocess.Popen[str]") -> float:
    """Processor time of a process and the system's for it, by Linux' count; 0 on other systems."""
    stat = Path(f"/proc/{process.pid}/stat")
    if not stat.exists():
        return 0.0
    of_user, of_system = stat.read_text().rpartition(")")[2].split()[11:13]  # the name before may hold anything
    return (int(of_user) + int(of_system)) / os.sysconf("SC_CLK_TCK")


def overload(address: Address, images: Images, rate: float, count: int) -> None:
    """Offer more than can be carried; what was accepted must be in the log, once, and nothing else."""
    before = asyncio.run(_logged(address))
    answers = asyncio.run(open_loop(address, images, rate, count))
    statuses = Counter(one.status for one in answers)
    accepted = [one.json["inspections"][0]["id"] for one in answers if one.status == 200]
    after = asyncio.run(_logged(address)) - before
    refused = [one.seconds for one in answers if one.status == 429]
    ended = statuses.pop(REFUSED, 0)
    print(f"overload: {count} requests at {rate:.1f}/s: {dict(statuses)}, {ended} connections too many")
    lost, unasked = len(set(accepted) - after), len(after - set(accepted))
    print(f"  accepted and not in the log {lost}, in the log and not answered {unasked}")
    if refused:
        print(
            f"  a refusal takes p50 {np.percentile(refused, 50) * 1e3:.0f} p99 {np.percentile(refused, 99) * 1e3:.0f} ms"
        )


async def _logged(address: Address) -> set[int]:
    """Numbers of all inspections in the log."""
    connection, found, cursor = Connection(*address), set[int](), ""
    while True:
        page = (await connection.get(f"/api/v1/inspections?limit=200{cursor}")).json
        found |= {one["id"] for one in page["inspections"]}
        if page["next"] is None:
            connection.close()
            return found
        cursor = f"&cursor={page['next']}"


def memory(address: Address, process: "subprocess.Popen[str]", images: Images, count: int) -> None:
    """Resident memory of the station over many requests of 8 clients."""
    samples: list[tuple[int, int]] = []
    for done in range(0, count, 100):
        asyncio.run(closed_loop(address, images, 8, min(100, count - done)))
        found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
        if found:
            samples.append((done + 100, int(found[1])))
    first = next((kilobytes for done, kilobytes in samples if done >= _FIRST), samples[0][1])
    print(f"memory over {count} requests of 8 clients")
    for quarter in range(1, 5):
        most = max(kilobytes for done, kilobytes in samples if done <= max(100, count * quarter // 4))
        print(f"  greatest up to {count * quarter // 4}: {most / 1024:.0f} MB")
    print(
        f"  after {_FIRST}: {first / 1024:.0f} MB; ratio {max(kb for done, kb in samples if done >= _FIRST) / first:.3f}"
    )


if __name__ == "__main__":
    print_machine()
    main()
