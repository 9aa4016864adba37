"""Memory that a process has freed, given back to the system, and how often Python searches for what nobody uses any more."""

import ctypes
import gc
from functools import cache

_SELDOM = (20_000, 20, 50)
"""New objects, and collections of younger ones, after which a server collects: the outline of one mask alone may be more than
the 700 after which Python does."""


def give_back() -> bool:
    """Give back what is free, of which glibc keeps much in case it is needed again; whether there was any. Only glibc can be
    asked."""
    trim = _trim()
    return trim is not None and bool(trim(0))


def keep_what_is_loaded() -> None:
    """Garbage collections pass over what is there now, such as modules: they took .3 s at the end of each job."""
    gc.collect()
    gc.freeze()


def collect_seldom() -> None:
    """Let garbage collections be rare and pass over what is there now, in a process that serves. What an answer needs is
    freed without them, as soon as nothing refers to it."""
    keep_what_is_loaded()
    gc.set_threshold(*_SELDOM)


@cache
def _trim() -> "ctypes._NamedFuncPointer | None":
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # another libc; another system
        return None
    trim.argtypes, trim.restype = [ctypes.c_size_t], ctypes.c_int
    return trim
