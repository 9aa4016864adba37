"""Two names of a disk change places in one step, where the system can do that."""

import ctypes
import errno
import os
from functools import cache
from pathlib import Path
from typing import Any

# linux/fcntl.h and linux/fs.h; glibc has the call since 2.28
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2

_CANNOT = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)
"""What the system says where it, or the file system, knows no such exchange: NFS, older kernels."""


def exchange(one: Path, other: Path) -> bool:
    """Let two files or folders take each other's name; False where the system or the file system cannot.

    Nobody sees either name without a file, and a kill or a power cut leaves both (renameat2 of Linux, RENAME_EXCHANGE).

    Raises:
        OSError: one of them is not there, or may not be renamed.
    """
    call = _renameat2()
    if call is None:
        return False
    if call(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in _CANNOT:
        return False
    raise OSError(code, os.strerror(code), str(one), None, str(other))


@cache
def _renameat2() -> Any:
    """The function of the C library; None where it has none."""
    if os.name != "posix":
        return None
    return getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
