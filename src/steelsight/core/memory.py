"""Memory that a process has freed, given back to the system: glibc keeps much of it, in case it is needed again."""

import ctypes
from functools import cache


def give_back() -> bool:
    """Give back what is free; whether there was any. Only glibc can be asked."""
    trim = _trim()
    return trim is not None and bool(trim(0))


@cache
def _trim() -> "ctypes._NamedFuncPointer | None":
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # another libc; another system
        return None
    trim.argtypes, trim.restype = [ctypes.c_size_t], ctypes.c_int
    return trim
