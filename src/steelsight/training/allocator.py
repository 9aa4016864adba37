"""Memory that a training step frees stays with the process, instead of going back to the system and coming again."""

import ctypes
import gc
import platform
from contextlib import suppress
from pathlib import Path

# malloc.h of glibc
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
_NEVER = -1
_PAD = 256 * 2**20


def keep_freed_memory() -> bool:
    """Tell glibc to serve large tensors from its heap and never to trim it; False where there is no glibc.

    A step on a processor allocates and frees the same hundreds of megabytes; by default each block is mapped, zeroed by the
    kernel page by page, and unmapped again, which takes a fifth to a third of the processor time of a training
    (`bench/training.py` measures it). The process keeps its peak of memory until it ends.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    library = ctypes.CDLL(None)
    settings = ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, _NEVER), (_TOP_PAD, _PAD))
    return all(library.mallopt(name, value) == 1 for name, value in settings)


def give_back() -> None:
    """Return what is free to the system once, at the end of a job: the next one may need less."""
    gc.collect()
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)


def forget_peak() -> None:
    """From now on `peak_memory` tells of what comes, where the system allows that."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory() -> int | None:
    """The most bytes of memory that this process has held; None where the system does not tell."""
    with suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmHWM:")))
    return None
