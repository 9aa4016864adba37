"""Freed memory goes back to the system."""

import subprocess
import sys
from pathlib import Path

import pytest

KEPT = """
import re
from pathlib import Path
from steelsight.core.memory import give_back

def resident():
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

held = [bytes(2000) for _ in range(50_000)]
last = bytes(2000)  # so that what is free does not lie at the end, from where it would go by itself
full = resident()
del held
give_back()
print(full - resident())
"""


@pytest.mark.skipif(
    not Path("/proc/self/status").exists() or "glibc" not in __import__("platform").libc_ver(), reason="glibc of Linux"
)
def test_what_was_freed_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", KEPT], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 80_000  # kB, of 100,000


def test_it_may_be_asked_anywhere() -> None:
    from steelsight.core.memory import give_back

    assert give_back() in (True, False)
