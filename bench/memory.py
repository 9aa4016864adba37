"""Memory of `steelsight inspect` over many images: flat after the first 500.

    python bench/memory.py INSPECTOR IMAGES... [--count 20000]

The images given are linked again and again until there are `count`; the verb runs as a user would run it, and its resident
memory is sampled from outside (Linux: /proc). Prints the memory when the first 500 images are written, the greatest after
that, and their ratio.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import print_machine

from steelsight.cascade.sources import find_sources

_FIRST = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inspector", type=Path)
    parser.add_argument("images", nargs="+")
    parser.add_argument("--count", type=int, default=20_000)
    arguments = parser.parse_args()
    paths = [source.file.resolve() for source in find_sources(arguments.images)]
    with tempfile.TemporaryDirectory() as folder:
        links, out = Path(folder) / "images", Path(folder) / "out"
        links.mkdir()
        for number in range(arguments.count):
            path = paths[number % len(paths)]
            (links / f"{number:06}{path.suffix}").symlink_to(path)
        command = [sys.executable, "-m", "steelsight.cli.main", "inspect", arguments.inspector, links, "--out", out]
        started = time.perf_counter()
        process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        samples = _watch(process, out / "images.partial.csv")
        seconds = time.perf_counter() - started
    if process.returncode:
        sys.exit(f"steelsight inspect ended with {process.returncode}")
    first = next(memory for done, memory in samples if done >= _FIRST)
    greatest = max(memory for done, memory in samples if done >= _FIRST)
    print(f"{arguments.count} images ({len(paths)} different ones) in {seconds:.0f} s, {len(samples)} samples")
    for quarter in range(1, 5):
        count = max(_FIRST, arguments.count * quarter // 4)
        memory = max(memory for done, memory in samples if done <= count)
        print(f"  greatest up to {count} images: {memory / 1024:.0f} MB")
    print(f"memory after {_FIRST} images {first / 1024:.0f} MB, greatest after that {greatest / 1024:.0f} MB")
    print(f"ratio {greatest / first:.3f}")


def _watch(process: subprocess.Popen[bytes], table: Path) -> list[tuple[int, int]]:
    """(images written, resident kB) twice a second until the process ends."""
    samples = []
    done, offset = -1, 0  # the header is no image
    while process.poll() is None:
        if table.is_file():
            with table.open("rb") as stream:
                stream.seek(offset)
                content = stream.read()
            done, offset = done + content.count(b"\n"), offset + len(content)
        found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
        if found:
            samples.append((done, int(found[1])))
        time.sleep(0.5)
    return samples


if __name__ == "__main__":
    print_machine()
    main()
