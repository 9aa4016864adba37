"""On what a figure was taken, for every script here: processor, threads, and the instructions that decide how fast it is."""

import os
import platform
import sys
from pathlib import Path

_INSTRUCTIONS = {
    "AVX2": ("avx2",),
    "AVX512": ("avx512f",),
    "bf16": ("avx512_bf16",),
    "VNNI": ("avx512_vnni", "avx_vnni"),
    "AMX": ("amx_tile",),
}
"""Each with the flags of Linux, of which one is enough."""


def print_machine() -> None:
    """One line on standard error, so that whoever reads a script's figures from standard output reads them alone."""
    print(describe_machine(), file=sys.stderr, flush=True)


def describe_machine() -> str:
    """Processor, the threads that this process may use, and which of AVX2, AVX512, bf16, VNNI and AMX there are."""
    said = _cpuinfo()
    name = said.get("model name") or platform.processor() or platform.machine()
    try:
        threads = len(os.sched_getaffinity(0))
    except AttributeError:  # not on Windows and macOS
        threads = os.cpu_count() or 1
    return f"{name}, {threads} thread{'s' * (threads > 1)}, {instructions(said.get('flags', ''))}"


def instructions(flags: str) -> str:
    """Which there are, and which are missing, of the flags that Linux lists; its line is empty elsewhere.

    >>> instructions("fpu avx2 avx512f avx512_vnni")
    'AVX2 AVX512 VNNI (no bf16, AMX)'
    """
    if not flags:
        return "instructions not told by this system"
    listed = set(flags.split())
    there = {name: bool(listed & set(words)) for name, words in _INSTRUCTIONS.items()}
    missing = [name for name, is_there in there.items() if not is_there]
    has = " ".join(name for name, is_there in there.items() if is_there) or "none of AVX2 to AMX"
    return f"{has} (no {', '.join(missing)})" if missing else has


def _cpuinfo() -> dict[str, str]:
    """The first processor's lines."""
    try:
        text = Path("/proc/cpuinfo").read_text().partition("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in text.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


if __name__ == "__main__":
    print(describe_machine())
